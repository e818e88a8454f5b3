"""What can go wrong at a partner, the same words for every partner."""


class PartnerFailure(Exception):
    """The partner could not be asked, or its answer is unknown: ask again later, with the same key."""


class PartnerRefused(Exception):
    """The partner understood and said no; asking again gets the same answer."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the partner's code (for programs) and message (for people)."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
