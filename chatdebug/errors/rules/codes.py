"""Rules about what providers say in machine-readable form: types, codes, reasons."""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, code_words, phrases
from chatdebug.errors.rules.vocabulary import (
    NO_CAPACITY,
    PER_DAY,
    RATE_CODES,
    RATE_LIMIT_WORDS,
    SERVER_CODES,
)

PROVIDER_DISABLED: tuple[Rule, ...] = (
    Rule(
        "code.provider_disabled",
        ErrorKind.PROVIDER_DISABLED,
        codes=code_words("provider_disabled"),
    ),
)

USAGE_LIMIT: tuple[Rule, ...] = (
    # Usage limits: trying again does not help before somebody pays, or the day is over.
    Rule(
        "code.usage_limit",
        ErrorKind.USAGE_LIMIT,
        codes=code_words(
            """
            insufficient_quota insufficient_user_quota quota_exceeded billing_hard_limit_reached
            billing_not_active billing_error billing_limit_exceeded
            credit_limit_exceeded insufficient_balance insufficient_credits
            insufficient_funds payment_required payment_required_error
            exceeded_current_quota_error budget_exceeded ServiceQuotaExceededException
            usage_limit_reached usage_limit_exceeded spend_limit_exceeded
            spending_limit_reached free_tier_quota_exceeded arrearage BillingDisabled
            BILLING_DISABLED out_of_credits credits_exhausted daily_limit_exceeded
            monthly_limit_exceeded account_overdue_error
            """
        ),
    ),
    Rule("code.daily_quota", ErrorKind.USAGE_LIMIT, codes=RATE_CODES, lead=PER_DAY),
)

CODES: tuple[Rule, ...] = (
    Rule(
        "code.auth",
        ErrorKind.AUTH,
        codes=code_words(
            """
            authentication_error authentication_required invalid_authentication
            invalid_authentication_error invalid_api_key incorrect_api_key_error
            invalid_key missing_api_key api_key_invalid API_KEY_INVALID
            API_KEY_SERVICE_BLOCKED API_KEY_IP_ADDRESS_BLOCKED
            API_KEY_HTTP_REFERRER_BLOCKED CREDENTIALS_MISSING ACCESS_TOKEN_EXPIRED
            ACCESS_TOKEN_TYPE_UNSUPPORTED ACCOUNT_STATE_INVALID UNAUTHENTICATED
            unauthorized unauthorized_error AuthorizationError authorization_error
            permission_error permission_denied PERMISSION_DENIED permission_denied_error
            IAM_PERMISSION_DENIED insufficient_permissions missing_scope
            AccessDeniedException AccessDenied access_denied UnrecognizedClientException
            InvalidSignatureException ExpiredTokenException MissingAuthenticationToken
            MissingAuthenticationTokenException IncompleteSignature InvalidClientTokenId
            SignatureDoesNotMatch NotAuthorizedException PermissionDenied
            AuthenticationFailed account_deactivated invalid_organization
            mismatched_organization token_expired expired_api_key invalid_token
            invalid_grant reauth_required forbidden request_forbidden
            unsupported_country_region_territory ip_not_authorized no_api_key auth_error
            invalid_iam_token token_not_found_in_db key_model_access_denied
            team_model_access_denied model_access_denied
            """
        ),
    ),
    Rule(
        "code.service_disabled",
        ErrorKind.AUTH,
        codes=code_words("SERVICE_DISABLED CONSUMER_INVALID"),
    ),
    # What a provider will not answer, whatever is paid.
    Rule(
        "code.content_filter",
        ErrorKind.CONTENT_FILTER,
        codes=code_words(
            """
            content_filter content_policy_violation content_filtered content_blocked
            ResponsibleAIPolicyViolation responsible_ai_policy_violation
            moderation_blocked moderation_error data_inspection_failed
            DataInspectionFailed sensitive_content input_blocked prompt_blocked
            PROHIBITED_CONTENT BLOCKLIST SPII safety_error safety_violation
            guardrail_intervened GUARDRAIL_INTERVENED content_moderation
            content_violation contentFilter unsafe_content flagged safety recitation
            cyber_policy_violation bio_policy
            """
        ),
    ),
    # Too much at once.
    Rule(
        "code.overloaded",
        ErrorKind.OVERLOADED,
        retryable=True,
        codes=code_words(
            """
            overloaded_error overloaded engine_overloaded engine_overloaded_error
            server_overloaded server_is_overloaded model_overloaded
            serviceUnavailableException ServiceUnavailableException
            ModelNotReadyException capacity_exceeded over_capacity
            service_tier_capacity_exceeded no_capacity model_at_capacity NoCapacity
            MODEL_CAPACITY_EXHAUSTED insufficient_capacity server_busy
            """
        ),
    ),
    Rule(
        "code.no_capacity",
        ErrorKind.OVERLOADED,
        retryable=True,
        unless_head=RATE_LIMIT_WORDS,
        lead=NO_CAPACITY,
        codes=RATE_CODES
        | code_words(
            """
            server_error internal_server_error api_error UNAVAILABLE INTERNAL
            service_unavailable service_unavailable_error
            """
        ),
    ),
    Rule(
        "code.rate_limit",
        ErrorKind.RATE_LIMIT,
        retryable=True,
        codes=RATE_CODES,
        unless_head=phrases("message larger than max"),  # gRPC has one code for both
    ),
    Rule(
        "code.timeout",
        ErrorKind.TIMEOUT,
        retryable=True,
        codes=code_words(
            """
            timeout timeout_error request_timeout DEADLINE_EXCEEDED gateway_timeout
            ModelTimeoutException ModelTimeout RequestTimeout RequestTimeoutException
            api_connection_error api_timeout_error connection_error upstream_timeout
            service_unavailable service_unavailable_error bad_gateway UNAVAILABLE
            """
        ),
    ),
    Rule(
        "code.config",
        ErrorKind.CONFIG,
        codes=code_words(
            """
            model_not_found model_not_exist ModelNotFound model_not_available
            model_not_active model_not_supported model_decommissioned model_deprecated
            model_terms_required model_permission_blocked_org
            model_permission_blocked_project unsupported_model invalid_model
            invalid_model_error unknown_model DeploymentNotFound deployment_not_found InvalidSubscription
            context_length_exceeded context_window_exceeded context_length_error
            context_exceeded exceed_context_size_error
            max_tokens_exceeded request_too_large payload_too_large content_too_large
            tokens_exceeded token_limit_exceeded prompt_too_long unsupported_value
            unsupported_parameter unknown_parameter unrecognized_parameter
            unsupported_country OperationNotSupported unsupported_api_for_model
            invalid_url unknown_url method_not_allowed integer_above_max_value
            integer_below_min_value decimal_above_max_value decimal_below_min_value
            invalid_api_version api_version_not_supported model_warm_up_required
            no_endpoints_found invalid_endpoint missing_model
            content_length_exceeded
            """
        ),
    ),
    Rule(
        "code.not_found",
        ErrorKind.CONFIG,
        codes=code_words(
            """
            not_found_error NOT_FOUND not_found ResourceNotFoundException
            ResourceNotFound resource_not_found_error
            """
        ),
        # What the chat's history names is no setting of the model's.
        unless_head=phrases(
            r"\b(?:file|image|document|container|batch|conversation|response|message|item|"
            r"cached ?contents?|session|skill|vector store|tool|upload)s?\b"
        ),
    ),
)

SERVER_ERROR: tuple[Rule, ...] = (
    Rule(
        "code.server_error",
        ErrorKind.GENERIC,
        retryable=True,
        unstructured=True,
        codes=SERVER_CODES,
    ),
)
