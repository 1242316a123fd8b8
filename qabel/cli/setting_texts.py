"""What settings mean, in plain words."""

_INTRODUCE = {
    "auto": "Messages tell a contact your name, first drop URL and public key until something from "
    "that contact has arrived.",
    "always": "Every message tells its recipient your name, first drop URL and public key, if they "
    "fit.",
    "never": "Messages do not tell who you are. Who does not know your key cannot answer, and most "
    "Qabel clients show nothing.",
}
_ACKNOWLEDGE = {
    "contacts": "Messages of contacts are acknowledged when they ask for it.",
    "never": "No message is acknowledged, so nobody learns whether it has arrived.",
}

_SHARED_DROPS = {
    False: "Each new identity gets a drop of its own, which nobody can guess.",
    True: "A new identity shares its drop with others if its server asks for that. The server "
    "cannot tell who of them gets which message. Strangers can fetch the encrypted messages, and "
    "fill the drop.",
}


def explain(key: str, value: object) -> str:
    """Return what a setting means that has this value; an empty text if there is none."""
    if key == "privacy.introduce":
        return _INTRODUCE.get(str(value), "")
    if key == "privacy.acknowledge":
        return _ACKNOWLEDGE.get(str(value), "")
    if key == "privacy.shared_drops" and isinstance(value, bool):
        return _SHARED_DROPS[value]
    if key == "privacy.acknowledge_delay" and isinstance(value, int | float):
        return _delay(value)
    return ""


def _delay(seconds: float) -> str:
    if seconds == 0:
        return "Acknowledgements are sent at once: contacts learn at any time whether you are up."
    amount = "1 second" if seconds == 1 else f"{seconds:g} seconds"
    return f"Acknowledgements are sent after a random time, {amount} on average."
