"""Settings, read once from the environment; nonsense raises a clear error at start."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from environs import validate

from chatd.databases import build_databases, make_private
from chatd.env import env

MIN_SECRET_KEY = 50
"""As many as Django's own check wants, and its startproject makes."""
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("CHATD_VAR_DIR", str(BASE_DIR / "var")))
# Said by manage.py for the command demo, whose accounts anybody could guess: a folder of
# its own, so that neither its database nor its spool is ever the site's.
DEMO = env.bool("CHATD_DEMO", False)
if DEMO:
    VAR_DIR /= "demo"

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "insecure-key-for-development" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "Set SECRET_KEY (or SECRET_KEY_FILE), or DEBUG=true for development."
    )
if len(SECRET_KEY) < MIN_SECRET_KEY and not DEBUG:
    raise ImproperlyConfigured(
        f"SECRET_KEY has to have {MIN_SECRET_KEY} characters at least."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "servestatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "knox",
    "axes",
    "django_htmx",
    "chatdebug",
    "chatd",
]

MIDDLEWARE = [
    # Around them all: what any of them answers in the API's place is a problem, too.
    "chatd.middleware.problem_responses",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    # Around all that may answer in place of a view: what they refuse has the headers too.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "chatd.middleware.private_responses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "chatd.urls"
# The path that the site is below, such as /chat; none: it has its host to itself.
FORCE_SCRIPT_NAME = (
    env.str("FORCE_SCRIPT_NAME", "", validate=validate.Regexp(r"^(/[\w.~-]+)*$"))
    or None
)

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASE_URL = env.str("DATABASE_URL", "")
if not DATABASE_URL:
    # Also what an earlier release left readable for others.
    make_private(VAR_DIR / "chatd.sqlite3").chmod(0o600)
    DATABASE_URL = f"sqlite:///{VAR_DIR / 'chatd.sqlite3'}"
# The same database without a pooler between, which LISTEN does not pass; where it is named,
# DATABASE_URL is taken for one that pools by transaction.
LISTEN_URL = env.str("CHATD_LISTEN_URL", "")
DATABASES = build_databases(
    DATABASE_URL,
    behind_pooler=bool(LISTEN_URL),
    pool_size=env.int("DATABASE_POOL_SIZE", 10, validate=validate.Range(min=2)),
    test_dir=VAR_DIR,
)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    make_private(Path(DATABASES["default"]["NAME"]))

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it refuses who guessed too often
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chat-list"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

# Absolute: Django puts the path before a relative one only where setup has been told of
# it, which is not so in a server, and then keeps whatever it found first.
STATIC_URL = f"{FORCE_SCRIPT_NAME or ''}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = DEBUG
SERVESTATIC_AUTOREFRESH = DEBUG
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "servestatic.storage.CompressedManifestStaticFilesStorage"
    },
}

# No inline script or style anywhere; the nonce is for the admin's one inline <style>.
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
}
SECURE_HTTPS = env.bool("SECURE_HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_HTTPS
SECURE_SSL_REDIRECT = SECURE_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000 if SECURE_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool(
    "SECURE_HSTS_SUBDOMAINS", False
)
# Subdomains and browsers' lists are for who owns the domain to decide, not for a site.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# One proxy, which sets X-Forwarded-Proto and adds the client to X-Forwarded-For.
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

AT_LEAST_1 = validate.Range(min=1)
NOT_NEGATIVE = validate.Range(min=0)
SECONDS = validate.Range(min=0, min_inclusive=False, max=86_400)
# How long a turn tries, waits and listens, and how much it takes: the numbers of
# chatd.turns.policy.TurnPolicy, which says what each one means. Times are in seconds.
TURN_POLICY: dict[str, Any] = {
    "max_attempts": env.int("TURN_MAX_ATTEMPTS", 25, validate=AT_LEAST_1),
    "max_broken": env.int("TURN_MAX_BROKEN", 3, validate=AT_LEAST_1),
    "max_wait": env.float("TURN_MAX_WAIT", 60.0, validate=NOT_NEGATIVE),
    "first_part": env.float("TURN_FIRST_PART", 60.0, validate=SECONDS),
    "silence": env.float("TURN_SILENCE", 120.0, validate=SECONDS),
    "deadline": env.float("TURN_DEADLINE", 900.0, validate=SECONDS),
    "grace": env.float("TURN_GRACE", 1.0, validate=validate.Range(min=0, max=60)),
    "max_characters": env.int("TURN_MAX_CHARACTERS", 1_000_000, validate=AT_LEAST_1),
    "max_bytes": env.int(
        "TURN_MAX_BYTES", 128 * 1024 * 1024, validate=validate.Range(min=1024)
    ),
}
# How many turns run at once, of all people, of one, and in one worker, and how many of one
# person may wait.
TURN_LIMITS: dict[str, int] = {
    "running": env.int("TURN_MAX_RUNNING", 200, validate=AT_LEAST_1),
    "running_of_owner": env.int("TURN_MAX_RUNNING_OF_OWNER", 10, validate=AT_LEAST_1),
    "running_of_worker": env.int(
        "TURN_MAX_RUNNING_OF_WORKER", 100, validate=AT_LEAST_1
    ),
    "queued_of_owner": env.int("TURN_MAX_QUEUED_OF_OWNER", 20, validate=AT_LEAST_1),
}
# Who runs turns, and who tells their viewers: dotted paths, see chatd.turns.runner and
# chatd.turns.bus.
RUNNER = env.str("RUNNER", "chatd.turns.runners.local.LocalRunner")
BUS = env.str("BUS", "chatd.turns.bus.memory.MemoryBus")
if RUNNER == "chatd.turns.runners.procrastinate.ProcrastinateRunner":
    INSTALLED_APPS.append("procrastinate.contrib.django")
# Nobody's tasks are looked for: what its app is installed for are tables and admin pages.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
# How many seconds a worker's turns may go on after it was told to end.
WORKER_GRACE = env.float("WORKER_GRACE", 60.0, validate=NOT_NEGATIVE)
# Open streams of answers: one for each running turn in each tab. More are told to wait.
MAX_STREAMS_PER_PERSON = env.int(
    "MAX_STREAMS_PER_PERSON", 30, validate=validate.Range(min=1)
)
# Which hosts or networks models may be at, private ones too; none: any public one.
MODEL_HOSTS: list[str] = env.list("MODEL_HOSTS", [])
# Names of variables that may hold a model's key, besides those that end in _API_KEY.
MODEL_KEY_VARIABLES: list[str] = env.list("MODEL_KEY_VARIABLES", [])
# The embedded server that is not a language model: see chatd.demo_provider.
DEMO_PROVIDER = env.bool("DEMO_PROVIDER", DEBUG)

# Wrong passwords at any sign-in: see chatd.sign_in for what is counted.
SIGN_IN_MINUTES = env.int("SIGN_IN_MINUTES", 15, validate=validate.Range(min=1))
AXES_FAILURE_LIMIT = env.int("SIGN_IN_ATTEMPTS", 5, validate=validate.Range(min=1))
AXES_COOLOFF_TIME = timedelta(minutes=SIGN_IN_MINUTES)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username", "ip_address"]
AXES_HANDLER = "chatd.sign_in.SignInHandler"
AXES_LOCKOUT_CALLABLE = "chatd.sign_in.refuse_sign_in"
AXES_USERNAME_CALLABLE = "chatd.sign_in.typed_name"
AXES_CLIENT_IP_CALLABLE = "chatd.http.client_address"
AXES_RESET_ON_SUCCESS = True
# Else whoever goes on guessing would keep the owner of the name out for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False  # its lists would show what people typed as their name
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]

REST_KNOX = {
    "TOKEN_TTL": timedelta(
        days=env.int("API_TOKEN_DAYS", 30, validate=validate.Range(min=1, max=3650))
    )
}
KNOX_TOKEN_MODEL = "chatd.ApiToken"  # noqa: S105 - no secret
MIGRATION_MODULES = {"knox": None}  # its own table is not used
RATE = validate.Regexp(r"^[1-9][0-9]*/(s(ec(ond)?)?|m(in(ute)?)?|h(our)?|d(ay)?)$")
# How often an address may ask for a token, and a person for all else: "messages" by the
# pages and the API together, "read" and "write" what has no scope of its own.
API_RATES = {
    "token": env.str("API_RATE_TOKEN", "30/minute", validate=RATE),
    "messages": env.str("API_RATE_MESSAGES", "120/minute", validate=RATE),
    "read": env.str("API_RATE_READ", "1200/minute", validate=RATE),
    "write": env.str("API_RATE_WRITE", "120/minute", validate=RATE),
    "runs": env.str("API_RATE_RUNS", "600/minute", validate=RATE),
    "export": env.str("API_RATE_EXPORT", "30/minute", validate=RATE),
    "switches": env.str("API_RATE_SWITCHES", "60/minute", validate=RATE),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "chatd.api.authentication.TokenAuthentication",
        "chatd.api.authentication.SessionAuthentication",
    ],
    "EXCEPTION_HANDLER": "chatd.api.problems.answer_problem",
    "DEFAULT_THROTTLE_CLASSES": ["chatd.throttles.ScopeThrottle"],
    "DEFAULT_THROTTLE_RATES": API_RATES,
    "NUM_PROXIES": int(BEHIND_PROXY),  # else a client's own word would be believed
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["chatdebug.api.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "chatd.api.schema.ApiSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# Of chatd/api/openapi.yaml, which `make schema` writes.
SPECTACULAR_SETTINGS = {
    "TITLE": "chatd",
    "DESCRIPTION": "Chats with language models, and the evidence of turns that failed.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,  # what is changed has to be named
    "ENUM_NAME_OVERRIDES": {
        "RunStatusEnum": "chatdebug.enums.Status",
        "TurnStatusEnum": "chatd.enums.TurnStatus",
    },
}

LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}
    },
    "filters": {"refusals": {"()": "chatd.logs.RefusalsInOneLine"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["refusals"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # The SDKs and their HTTP client log every request at INFO, with the full URL.
    # django-axes tells of every sign-in, Procrastinate of every job.
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("httpx2", "openai", "anthropic", "axes", "procrastinate")
    },
}

# Alarms are the only mail of the site. One that sends none needs no server.
SMTP_HOST = env.str("SMTP_HOST", "localhost")
IS_SMTP_HERE = SMTP_HOST == "localhost"
MAILERS: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": SMTP_HOST,
            "port": env.int("SMTP_PORT", 25 if IS_SMTP_HERE else 587),
            "username": env.str("SMTP_USER", ""),
            "password": env.str("SMTP_PASSWORD", ""),
            "use_tls": env.bool("SMTP_STARTTLS", not IS_SMTP_HERE),
            "timeout": 10,
        },
    }
}
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", "chatd@localhost")

CHATDEBUG = {
    "BASE_URL": env.str("CHATDEBUG_BASE_URL", ""),
    "FORCE_FULL": env.bool("CHATDEBUG_FORCE_FULL", False),
    "DEFAULT_LEVEL": env.str(
        "CHATDEBUG_LEVEL", "errors", validate=validate.OneOf(["errors", "off"])
    ),
    "SPOOL_DIR": VAR_DIR / "chatdebug-spool",
    "ACCESS_POLICY": "chatd.debug_access.ChatAccess",
    "BASE_TEMPLATE": "base.html",
    "SECRETS": "chatd.debug_access.deployment_secrets",
    "PLAYED_CALL": "chatd.turns.played.ask",
}
