"""What can go wrong in `embeddings`; each docstring is the fact that the exception states."""

from __future__ import annotations

from typing import ClassVar, Literal

ErrorKind = Literal["rate_limit", "invalid_input", "api_error", "network_error", "content_too_long", "empty_content"]


class EmbeddingsError(Exception):
    """Something in the embeddings went wrong."""


class ProviderError(EmbeddingsError):
    """The provider did not give the vectors that were asked for.

    `retryable`: the same call may succeed later with nothing changed. `retry_after`: seconds that the provider asks to wait.
    """

    default_kind: ClassVar[ErrorKind] = "api_error"
    default_retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, kind: ErrorKind | None = None, retryable: bool | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = self.default_kind if kind is None else kind
        self.retryable = self.default_retryable if retryable is None else retryable
        self.retry_after = retry_after


class RateLimited(ProviderError):
    """The provider takes no more requests for now."""

    default_kind = "rate_limit"
    default_retryable = True


class ProviderUnavailable(ProviderError):
    """The provider could not be reached, did not answer in time or failed by itself."""

    default_kind = "network_error"
    default_retryable = True


class ProviderMisconfigured(ProviderError):
    """The provider will not answer before a person changes something: key, model, permission, quota, an installation."""


class UnknownProvider(ProviderMisconfigured):
    """No provider has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"Unknown provider {name!r}: there are {', '.join(sorted(known))}. Check EMBEDDINGS_PROVIDER.")


class ProviderFault(ProviderError):
    """The provider answered with something that cannot be the vectors: wrong count, order, dimension or numbers."""

    default_retryable = True

    def __init__(self, message: str, *, tokens: int = 0) -> None:
        super().__init__(message)
        self.tokens = tokens
        """What the answer says that it cost."""


class ProviderPaused(ProviderError):
    """No request is made to the provider for now, by any worker: it was in trouble when it was last asked."""

    default_retryable = True


class InvalidInput(ProviderError):
    """The provider will never take this input. Of several texts only one may be to blame: `index` says which, where it is known."""

    default_kind: ClassVar[ErrorKind] = "invalid_input"

    def __init__(self, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class EmptyContent(InvalidInput):
    """The text is empty or white space."""

    default_kind = "empty_content"


class ContentTooLong(InvalidInput):
    """The text has more tokens than the model reads."""

    default_kind = "content_too_long"


class AlreadyRegistered(EmbeddingsError):
    """The entity type or the model has an embeddable already."""


class InvalidEmbeddable(EmbeddingsError):
    """The embeddable lacks what it needs, or has an option that does not exist."""


class InvalidContent(EmbeddingsError):
    """The content or metadata that an embeddable builds cannot be stored."""


class NotRegistered(EmbeddingsError):
    """No embeddable has this entity type, or is for this model."""


class InvalidSearch(EmbeddingsError):
    """The search cannot be made as asked."""


class OutOfTime(EmbeddingsError):
    """There was more to embed than one call has time for; what is left is owed still. As an entity's own failure: it alone is more."""


class InvalidBackfill(EmbeddingsError):
    """The backfill cannot be made as asked."""


class TablesMissing(EmbeddingsError):
    """The database has no tables of this app."""
