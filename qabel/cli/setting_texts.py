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


def explain(key: str, value: object) -> str:
    """Return what a setting means that has this value; an empty text if there is none."""
    if key == "privacy.introduce":
        return _INTRODUCE.get(str(value), "")
    if key == "privacy.acknowledge":
        return _ACKNOWLEDGE.get(str(value), "")
    if key == "privacy.acknowledge_delay" and isinstance(value, int | float):
        return _delay(value)
    return ""


def _delay(seconds: float) -> str:
    if seconds == 0:
        return "Acknowledgements are sent at once: contacts learn at any time whether you are up."
    amount = "1 second" if seconds == 1 else f"{seconds:g} seconds"
    return f"Acknowledgements are sent after a random time, {amount} on average."
