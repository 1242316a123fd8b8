"""Outcomes: what is answered to who sends several messages, with those to whom it may concern."""

from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.views import OutcomeView, decode_outcomes, encode_outcomes


class StoredOutcomes(SynchronousTestCase):
    """What is stored of outcomes for repeated requests."""

    def test_read_as_written(self) -> None:
        """Of one and of several, the same comes back; one is stored as earlier versions did."""
        one, two = OutcomeView(1, "0", []), OutcomeView(2, "a", [])
        for outcomes in ([one], [one, two]):
            self.assertEqual(outcomes, decode_outcomes(encode_outcomes(outcomes)))
        self.assertTrue(encode_outcomes([one]).startswith(b"{"))
