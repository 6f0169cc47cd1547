"""Which class of failure an error is, by status, code and words. One page for all vendors: what
their documentation says these mean."""

import re

_CODES = {
    "context_length": "context_length_exceeded string_above_max_length exceed_context_size_error "
                      "request_too_large model_context_window_exceeded",
    "quota": "insufficient_quota billing_hard_limit_reached billing_not_active billing_error "
             "insufficient_balance quota_exceeded",
    "content_filter": "content_filter content_policy_violation responsibleaipolicyviolation",
    "not_found": "model_not_found not_found_error invalid_model model_decommissioned not_found",
    "authentication": "invalid_api_key authentication_error unauthenticated api_key_invalid",
    "permission": "permission_error permission_denied model_terms_required",
    "rate_limit": "rate_limit_exceeded rate_limit_error requests tokens resource_exhausted",
    "overloaded": "overloaded_error engine_overloaded_error overloaded unavailable "
                  "service_unavailable server_is_overloaded",
    "timeout": "timeout timeout_error deadline_exceeded",
    "connection": "connection_error",
    "protocol": "protocol_error",
    "server_error": "server_error api_error internal internal_error",
    "invalid_request": "invalid_request_error invalid_argument failed_precondition out_of_range",
    "unsupported": "unsupported",
    "cancelled": "cancelled",
}
_BY_CODE = {code: cls for cls, codes in _CODES.items() for code in codes.split()}

_CONTEXT = re.compile(r"context[ _](length|window|size)|prompt (is )?too long|too many tokens|"
                      r"maximum number of tokens|reduce the length|input is too long|"
                      r"input token count .*exceeds", re.I)


def by_words(message):
    if re.search(r"credit balance is too low", message, re.I):
        return "quota"
    if _CONTEXT.search(message):
        return "context_length"
    if re.search(r"(incorrect|invalid) api key|api key not (valid|found)|api key expired", message,
                 re.I):
        return "authentication"
    return None


def classify(status, *codes, message=""):
    """`codes`: from the most telling one on. `status` 0 or of a success: there is none."""
    named = [_BY_CODE[str(code).lower()] for code in codes
             if code is not None and str(code).lower() in _BY_CODE]
    telling = [cls for cls in named if cls not in ("invalid_request", "server_error")]
    if status == 401:
        return "authentication"
    if status == 402:
        return "quota"
    if status == 403:
        return "permission"
    if status == 404:
        return "not_found"
    if status == 429:
        return "quota" if "quota" in named else "rate_limit"
    if status == 413:
        return "context_length"
    if telling:
        return telling[0]
    if by_words(message) and (not status or status < 500):
        return by_words(message)
    if status in (408, 504):
        return "timeout"
    if status in (503, 529):
        return "overloaded"
    if status >= 500:
        return "server_error"
    if status >= 400:
        return "invalid_request"
    return named[0] if named else "server_error"
