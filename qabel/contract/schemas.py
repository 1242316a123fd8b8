"""What answers are made of, as JSON Schema: the parts that the contract document names."""

from collections.abc import Mapping
from typing import Any

from qabel.contract.access import SCOPES
from qabel.core.journal.webhooks import KINDS
from qabel.settings.local import LOCAL
from qabel.settings.synced import SYNCED

Schema = Mapping[str, Any]

INTEGER: Schema = {"type": "integer"}
STRING: Schema = {"type": "string"}
DURATION: Schema = {"type": "number", "description": "Seconds."}
BOOLEAN: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
ID: Schema = {"type": "integer", "minimum": 0}
MILLISECONDS: Schema = {
    "type": "integer",
    "format": "int64",
    "description": "Since the epoch.",
}
SECONDS: Schema = {"type": "integer", "format": "int64", "description": "Since the epoch."}
KEY: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
PLACE: Schema = {"type": "string", "description": "A place in the log."}
URLS: Schema = {"type": "array", "items": {"type": "string", "format": "uri"}}
REFERENCE: Schema = {"type": ["integer", "string"], "examples": [1]}
OPTIONAL_REFERENCE: Schema = {"type": ["integer", "string", "null"], "examples": [1]}


def ref(name: str) -> Schema:
    """Point to a named part."""
    return {"$ref": f"#/components/schemas/{name}"}


def listing(schema: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": schema}


def nullable(schema: Schema) -> Schema:
    """Describe what may be missing."""
    return {"anyOf": [schema, {"type": "null"}]}


def record(optional: Mapping[str, Schema] | None = None, **members: Schema) -> Schema:
    """Describe an object that has these members, and no others than the optional ones."""
    return {
        "type": "object",
        "properties": {**members, **(optional or {})},
        "required": list(members),
        "additionalProperties": False,
    }


def given_settings(schema: Schema) -> Schema:
    """Describe a settings document as it may be given: ids, times and keys may be left out."""
    return {name: value for name, value in schema.items() if name != "$schema"}


def whole_settings(schema: Schema) -> Schema:
    """Describe a settings document as it is given back: nothing is left out."""
    given = given_settings(schema)
    properties = {name: _whole_items(each) for name, each in given["properties"].items()}
    return {**given, "properties": properties, "required": list(properties)}


def _whole_items(schema: Schema) -> Schema:
    if "items" not in schema:
        return schema
    items = schema["items"]
    return {**schema, "items": {**items, "required": list(items["properties"])}}


_PROBLEM: Schema = {
    "type": "object",
    "description": "What is wrong (RFC 9457).",
    "properties": {
        "type": STRING,
        "title": STRING,
        "status": INTEGER,
        "detail": STRING,
        "errors": listing(record(key=STRING, detail=STRING)),
        "oldest": PLACE,
        "size": INTEGER,
        "limit": INTEGER,
        "reasons": listing(STRING),
        "incident": STRING,
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}

_STATE: Schema = {"enum": ["queued", "sent", "failed"]}

_IDENTITY = {"id": ID, "alias": STRING, "public_key": KEY, "drops": URLS}
_TIMES = {"created": SECONDS, "updated": SECONDS}

_TOKEN = {
    "id": ID,
    "name": STRING,
    "scopes": listing({"enum": list(SCOPES)}),
    "identity_id": nullable(ID),
    "created": MILLISECONDS,
    "last_used": nullable(MILLISECONDS),
}

_WEBHOOK = {
    "id": ID,
    "url": STRING,
    "kinds": listing({"enum": list(KINDS)}),
    "place": PLACE,
    "created": MILLISECONDS,
    "failures": INTEGER,
    "last_error": nullable(STRING),
    "last_success": nullable(MILLISECONDS),
}

_SERVER = record(
    server=STRING,
    drops=INTEGER,
    last_success=nullable(MILLISECONDS),
    last_failure=nullable(MILLISECONDS),
    last_error=nullable(STRING),
    failures=INTEGER,
    rounds=INTEGER,
    failed_rounds=INTEGER,
    seconds=DURATION,
    next_poll=nullable(MILLISECONDS),
)

_CARD: Schema = {
    "type": "object",
    "properties": {
        "alias": STRING,
        "public_key": STRING,
        "drop_urls": URLS,
        "email": {"type": ["string", "null"]},
        "phone": {"type": ["string", "null"]},
    },
    "required": ["alias", "public_key", "drop_urls"],
}

COMPONENTS: Mapping[str, Schema] = {
    "Problem": _PROBLEM,
    "LocalSettings": given_settings(LOCAL.json_schema()),
    "WholeLocalSettings": whole_settings(LOCAL.json_schema()),
    "SyncedSettings": given_settings(SYNCED.json_schema()),
    "WholeSyncedSettings": whole_settings(SYNCED.json_schema()),
    "Message": record(
        {"meta_data": OBJECT},
        version=INTEGER,
        time_stamp=MILLISECONDS,
        acknowledge_id=STRING,
        sender=KEY,
        receiver=KEY,
        model_object=STRING,
        data=OBJECT,
        id=ID,
        received=MILLISECONDS,
        identity_id=ID,
        contact_id=nullable(ID),
    ),
    "Outcome": record(
        id=ID,
        acknowledge_id=STRING,
        recipients=listing(
            record(contact_id=nullable(ID), recipient=KEY, state=_STATE, reason=nullable(STRING))
        ),
    ),
    "Send": record(
        id=ID,
        sender=KEY,
        identity_id=ID,
        model_object=STRING,
        acknowledge_id=STRING,
        created=MILLISECONDS,
        message=nullable(OBJECT),
        recipients=listing(
            record(
                contact_id=nullable(ID),
                recipient=KEY,
                state=_STATE,
                reason=nullable(STRING),
                attempts=INTEGER,
                next_attempt=nullable(MILLISECONDS),
                settled=nullable(MILLISECONDS),
                acknowledged=nullable(MILLISECONDS),
            )
        ),
    ),
    "Identity": record(**_IDENTITY, **_TIMES),
    "Contact": record(
        id=ID,
        alias=STRING,
        public_key=KEY,
        my_identity=KEY,
        identity_id=nullable(ID),
        drop_urls=URLS,
        module_data={"type": "object", "additionalProperties": OBJECT},
        **_TIMES,
    ),
    "ContactFile": {
        "description": "A .qco document.",
        "anyOf": [
            {
                "type": "object",
                "properties": {"contacts": listing(_CARD)},
                "required": ["contacts"],
            },
            _CARD,
        ],
    },
    "IdentityFile": {
        "type": "object",
        "description": "A .qid document. It holds a private key.",
        "properties": {
            **_CARD["properties"],
            "private_key": STRING,
            "prefixes": {"type": ["array", "null"], "items": STRING},
        },
        "required": ["alias", "private_key", "drop_urls"],
    },
    "Imported": record(
        {"id": ID, "reason": STRING},
        alias=STRING,
        public_key=KEY,
        outcome={"enum": ["added", "updated", "unchanged", "refused"]},
    ),
    "Token": record(**_TOKEN),
    "NewToken": record(**_TOKEN, token=STRING),
    "Webhook": record(**_WEBHOOK),
    "NewWebhook": record(**_WEBHOOK, secret=STRING),
    "Undelivered": record(
        place=PLACE, kind={"enum": list(KINDS)}, error=STRING, given_up=MILLISECONDS, body={}
    ),
    "Status": record(
        status={"const": "running"},
        version=STRING,
        uptime=DURATION,
        healthy=BOOLEAN,
        troubles=listing(STRING),
        drop_servers=listing(_SERVER),
        push=record(listening=INTEGER),
        received=record(
            received=INTEGER,
            passed_over=INTEGER,
            seen_before=INTEGER,
            rubbish=INTEGER,
            spoofed=INTEGER,
        ),
        posted=record(taken=INTEGER, refused=INTEGER, failed=INTEGER, seconds=DURATION),
        disk=record(full=BOOLEAN, full_since=nullable(MILLISECONDS)),
        inbox=record(messages=INTEGER, latest=PLACE),
        outbox=nullable(
            record(
                queued=INTEGER,
                sent=INTEGER,
                failed=INTEGER,
                oldest_waiting={"type": ["number", "null"]},
            )
        ),
        backup=STRING,
    ),
    "Health": record(status={"enum": ["healthy", "alive"]}),
    "Backup": record(path=STRING, size=INTEGER),
}
