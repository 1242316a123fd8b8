"""The text of a saved mail."""

from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.mail_text import MAX_MAIL, mail_text


def mail(text: str, **headers: str) -> EmailMessage:
    """Return a mail with this text."""
    message = EmailMessage()
    message["From"] = "alice@example.org"
    for name, value in headers.items():
        message[name] = value
    message.set_content(text, cte=headers.get("cte", "quoted-printable"))
    return message


def test_texts_and_files_of_a_mail() -> None:
    """Texts are decoded, HTML is left out beside plain text, and files are added."""
    message = mail("Jürgen " + "x" * 100)
    message.add_alternative("<p>other</p>", subtype="html")
    message.add_attachment(b"\xef\xbb\xbf{}", "application", "octet-stream", filename="a.qco")
    text = mail_text(message.as_bytes()).decode()
    assert "Jürgen " + "x" * 100 in text
    assert text.endswith("{}")
    assert "other" not in text


def test_mail_of_html_alone() -> None:
    """Without plain text, the HTML is the text."""
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("<p>a</p>", subtype="html", cte="base64")
    assert mail_text(message.as_bytes()).decode().strip() == "<p>a</p>"


def test_unknown_encodings_are_left_out() -> None:
    """A part whose character set is unknown has no text."""
    assert mail_text(b"From: a\nContent-Type: text/plain; charset=no\n\nx") == b""


def test_what_is_no_mail() -> None:
    """Other data, and mails that are too large, are returned as they are."""
    for data in (b"", b"Subject: x\n\ny", b"QABELCONTACT\nContent-Type: a", b"From: a"):
        assert mail_text(data) == data
    large = mail("x").as_bytes() + b"x" * MAX_MAIL
    assert mail_text(large) == large
    many = b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 1000
    assert mail_text(many) == many


@given(st.binary())
def test_any_mail_has_some_text(body: bytes) -> None:
    """No body of a mail raises anything."""
    mail_text(b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + body).decode()
