//! Every error the API answers with: its stable code, status and title. `docs/errors/` has a page for each.

use http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:ident, $title:literal;)+) => {
        /// The stable code of an error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The code on the wire.
            pub fn word(self) -> &'static str {
                match self { $(Code::$name => $word),+ }
            }

            /// The status it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Code::$name => StatusCode::$status),+ }
            }

            /// What it is called.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),+ }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    InvalidJson = "invalid_json", BAD_REQUEST, "The body is not valid JSON";
    /// A field or parameter is wrong.
    ValidationFailed = "validation_failed", BAD_REQUEST, "A field is wrong";
    /// Fields that the request does not have.
    UnknownField = "unknown_field", BAD_REQUEST, "The request has fields that are not known";
    /// The cursor is not one that was given out for this list.
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "The cursor cannot be used here";
    /// The header is missing.
    IdempotencyKeyMissing = "idempotency_key_missing", BAD_REQUEST, "An Idempotency-Key is needed";
    /// The header is malformed.
    IdempotencyKeyInvalid = "idempotency_key_invalid", BAD_REQUEST, "The Idempotency-Key is malformed";
    /// No credential, or a bad one.
    Unauthorized = "unauthorized", UNAUTHORIZED, "A valid API key is needed";
    /// The caller lacks a right.
    Forbidden = "forbidden", FORBIDDEN, "Your role does not allow this";
    /// The request may be forged: another site's, or without the session's token.
    CsrfFailed = "csrf_failed", FORBIDDEN, "The request does not prove that it comes from your page";
    /// A grant would give more than the caller holds.
    GrantExceedsOwn = "grant_exceeds_own", FORBIDDEN, "You cannot grant more than you hold";
    /// Absent, or outside the caller's subtree.
    NotFound = "not_found", NOT_FOUND, "There is no such resource";
    /// No route.
    RouteNotFound = "route_not_found", NOT_FOUND, "There is no such route";
    /// The route has other methods.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The route does not have this method";
    /// The `external_id` is in use.
    AccountExists = "account_exists", CONFLICT, "An account with this external_id exists";
    /// A name or address is in use.
    AlreadyExists = "already_exists", CONFLICT, "This exists already";
    /// The account is closed.
    AccountClosed = "account_closed", CONFLICT, "The account is closed";
    /// The account is frozen, and the caller is not the operator.
    AccountFrozen = "account_frozen", CONFLICT, "The account is frozen";
    /// Sub-accounts are open.
    AccountHasChildren = "account_has_children", CONFLICT, "The account has open sub-accounts";
    /// Credit is left.
    AccountHasCredit = "account_has_credit", CONFLICT, "The account still has credit";
    /// The hold has ended.
    HoldEnded = "hold_ended", CONFLICT, "The hold has ended";
    /// The transfer was reversed.
    AlreadyReversed = "already_reversed", CONFLICT, "The transfer was reversed already";
    /// A price that is or was in force stays.
    PriceInForce = "price_in_force", CONFLICT, "The price is in force already";
    /// Another portal is called so.
    SlugTaken = "slug_taken", CONFLICT, "The slug is taken";
    /// Another account proved that the host is its own.
    HostTaken = "host_taken", CONFLICT, "The host is another account's";
    /// Something else is in the way.
    Conflict = "conflict", CONFLICT, "The state of the resource does not allow this";
    /// The `If-Match` is stale.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "The resource has changed";
    /// The body is too large.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body must be application/json";
    /// The key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used with another body";
    /// Too little credit.
    InsufficientCredits = "insufficient_credits", UNPROCESSABLE_ENTITY, "There is too little credit";
    /// The account or an ancestor is suspended.
    AccountSuspended = "account_suspended", UNPROCESSABLE_ENTITY, "The account is suspended";
    /// From and to are one account.
    SameAccount = "same_account", UNPROCESSABLE_ENTITY, "Credit cannot be moved to the same account";
    /// The accounts keep different currencies.
    CurrencyMismatch = "currency_mismatch", UNPROCESSABLE_ENTITY, "The currencies differ";
    /// An allocation goes down the tree.
    NotBelow = "not_below", UNPROCESSABLE_ENTITY, "An allocation goes down the tree";
    /// The package is not on sale, or no loose credits are.
    PackageUnavailable = "package_unavailable", UNPROCESSABLE_ENTITY, "This cannot be bought";
    /// The parent lacks the credit that it sells.
    SellerOutOfCredit = "seller_out_of_credit", UNPROCESSABLE_ENTITY, "The seller has too little credit";
    /// A balance would become too large.
    BalanceOutOfRange = "balance_out_of_range", UNPROCESSABLE_ENTITY, "A balance would become too large";
    /// The hold's time is over.
    HoldExpired = "hold_expired", UNPROCESSABLE_ENTITY, "The hold's time is over";
    /// More than is held.
    HoldExceeded = "hold_exceeded", UNPROCESSABLE_ENTITY, "More than is held";
    /// More than is left of an invoice or payment.
    AmountExceeded = "amount_exceeded", UNPROCESSABLE_ENTITY, "This is more than is left";
    /// Deeper than the tree may be.
    TooDeep = "too_deep", UNPROCESSABLE_ENTITY, "The tree would become too deep";
    /// An account below itself.
    Cycle = "cycle", UNPROCESSABLE_ENTITY, "An account cannot be moved below itself";
    /// Customers have no sub-accounts.
    ParentIsCustomer = "parent_is_customer", UNPROCESSABLE_ENTITY, "A customer account has no sub-accounts";
    /// No role of that name.
    UnknownRole = "unknown_role", UNPROCESSABLE_ENTITY, "There is no role of this name here";
    /// No meter of that key.
    UnknownMeter = "unknown_meter", UNPROCESSABLE_ENTITY, "There is no meter of this key here";
    /// Nobody set a price.
    NoPrice = "no_price", UNPROCESSABLE_ENTITY, "There is no price";
    /// The account buys from another seller.
    NotABuyer = "not_a_buyer", UNPROCESSABLE_ENTITY, "The account does not buy from this seller";
    /// Prices already used never change.
    PriceBackdated = "price_backdated", UNPROCESSABLE_ENTITY, "Prices already used never change";
    /// Sold for less than it costs.
    UnderCost = "under_cost", UNPROCESSABLE_ENTITY, "The price is below the cost";
    /// An account above locked it.
    BrandLocked = "brand_locked", UNPROCESSABLE_ENTITY, "This part of the brand is locked";
    /// The record is not there.
    HostNotVerified = "host_not_verified", UNPROCESSABLE_ENTITY, "The host is not proved to be yours";
    /// A limit on how many.
    LimitReached = "limit_reached", UNPROCESSABLE_ENTITY, "A limit is reached";
    /// Too many branches in one transaction.
    TooManyBranches = "too_many_branches", UNPROCESSABLE_ENTITY, "The legs touch too many branches";
    /// Asked too often.
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests";
    /// A bug, or broken data.
    Internal = "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong on our side";
    /// Busy for too long.
    Busy = "busy", SERVICE_UNAVAILABLE, "The data is busy";
    /// It is not known whether it happened.
    OutcomeUnknown = "outcome_unknown", SERVICE_UNAVAILABLE, "It is not known whether this happened";
}
