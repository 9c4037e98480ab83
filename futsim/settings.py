"""The one settings file, driven by environment variables (the README's configuration table lists them).

`manage.py up` sets every required variable for the processes that it starts.
"""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF

from futsim import env

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.text("FUTSIM_SECRET_KEY")
DEBUG = env.flag("FUTSIM_DEBUG", False)

PUBLIC_URL = env.origin("FUTSIM_URL", "http://127.0.0.1:8000")
ALLOWED_HOSTS = env.words("FUTSIM_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
_PORT = urlsplit(PUBLIC_URL).port
# Full origins: a check of host names alone would let another port of the same host open our sockets.
_LOOPBACK = f",http://localhost:{_PORT},http://127.0.0.1:{_PORT}" if _PORT else ""
ALLOWED_ORIGINS = env.words("FUTSIM_ALLOWED_ORIGINS", f"{PUBLIC_URL}{_LOOPBACK}")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []

# --- market data -----------------------------------------------------------------------------------
DATABENTO_API_KEY = env.text("DATABENTO_API_KEY", "")
DATABENTO_GATEWAY = env.text("FUTSIM_GATEWAY", "")
"""Base URL of another historical gateway (the stand-in); empty means Databento's own."""
DATABENTO_LIVE_GATEWAY = env.address("FUTSIM_LIVE_GATEWAY")
"""(host, port) of another live gateway; None means Databento's own."""
SYNTHETIC_MARKET = bool(DATABENTO_GATEWAY)
MARKET_SOURCE = "stand-in" if SYNTHETIC_MARKET else "Databento"
"""Where stored data came from; one database holds data of one source."""
DATA_ROOT = env.text("FUTSIM_DATA_ROOT", str(BASE_DIR / "var" / "data"))
"""Folder or object-store URL of the parquet store. Synthetic and real data never share one."""
BOOK_ROOT = env.text("FUTSIM_BOOK_ROOT", str(BASE_DIR / "var" / "books"))
"""Folder of the books as memory-mapped files. They are made from the store and may be deleted at any time."""
BOOK_CACHE_BYTES = env.integer("FUTSIM_BOOK_CACHE_GB", 20) * 1024**3
UPLOAD_ROOT = env.text("FUTSIM_UPLOAD_ROOT", str(BASE_DIR / "var" / "uploads"))
"""Folder of files on their way into the store; what lies there longer than a day is left over."""
UPLOAD_BYTES = env.integer("FUTSIM_UPLOAD_GB", 5) * 1024**3
LIVE_TRADES = env.flag("FUTSIM_LIVE_TRADES", False)
"""Whether live keeps trades too, and stores them after the close: some 75 MB in Valkey for a day of 19 assets."""
TAPE_CACHE_BYTES = env.integer("FUTSIM_TAPE_CACHE_MB", 1024) * 1024 * 1024
RANK_CACHE_BYTES = env.integer("FUTSIM_RANK_CACHE_MB", 512) * 1024 * 1024

# --- applications ----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "futsim",
    "accounts",
    "market",
    "ranks",
    "alerts",
    "trading",
    "workspace",
    "replay",
    "live",
    "journal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.HtmxLoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "futsim.urls"
ASGI_APPLICATION = "futsim.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]


# --- servers ---------------------------------------------------------------------------------------
def database_from_url(url: str) -> dict[str, object]:
    """Django's settings from `postgresql://user:password@host:port/name?host=/socket/folder`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise env.BadEnvironment(f"DATABASE_URL must start with postgresql://, not {parts.scheme or url!r}.")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise env.BadEnvironment("DATABASE_URL names no database: postgresql://user:password@host:5432/NAME")
    try:
        port = parts.port
    except ValueError as problem:
        raise env.BadEnvironment(f"DATABASE_URL has an odd port: {problem}.") from None
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    socket_folder = options.pop("host", "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket_folder or parts.hostname or "",
        "PORT": str(port or ""),
        "CONN_HEALTH_CHECKS": True,
        # For the threads that stay: workers', and the one in which replays reach the database. See futsim.asgi.
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"connect_timeout": 5} | options,
    }


DATABASES = {"default": database_from_url(env.text("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
if urlsplit(REDIS_URL).scheme not in {"redis", "rediss", "unix"}:
    raise env.BadEnvironment("REDIS_URL must start with redis://, rediss:// or unix://.")
CHANNEL_LAYERS = {
    "default": {
        # The core layer closes every socket when Redis goes away; this one resumes.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "futsim"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # Emptying the cache empties a database: Celery's queue and the bars of the live feed are in another one,
        # where REDIS_URL names none.
        "OPTIONS": {"db": 1},
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
# Messages are acknowledged at once and fetched only by an idle process: a worker that holds one unacknowledged while
# Valkey restarts dies of it (Celery 5.7). Lost work is found by its row instead, see market.tasks.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "America/New_York"
CELERY_TASK_ROUTES = {name: {"queue": "background"} for name in ("ranks.tasks.*", "alerts.tasks.look_back")}
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    # dropped when the worker is away for as long: the next one is due then
    "abandoned jobs": {
        "task": "market.tasks.take_up_abandoned_jobs",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    # pieces that came in since: whoever stores them does not know of ranks
    "new summaries": {
        "task": "ranks.tasks.summarise_new",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    # after the close, and once more when the new daily volumes have decided the front months
    "ranks": {
        "task": "ranks.tasks.refresh_kept_warm",
        "schedule": crontab(hour="17,20", minute=40),
        "options": {"expires": 3_600.0},
    },
    # after the UTC day has ended, at 19:00 or 20:00 ET: its bars then decide the session that has just opened
    "new daily volumes": {
        "task": "market.tasks.refresh_every_history",
        "schedule": crontab(hour=20, minute=15),
        "options": {"expires": 3_600.0},
    },
    # deliveries that failed once, or whose message was lost
    "waiting deliveries": {
        "task": "alerts.tasks.deliver_due",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "finished live sessions": {
        "task": "live.tasks.store_sessions",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
}

# --- alerts ----------------------------------------------------------------------------------------
ALERT_PRIVATE_WEBHOOKS = env.flag("FUTSIM_ALERT_PRIVATE_WEBHOOKS", False)
"""Whether webhooks may go to loopback, private and link-local addresses."""
EMAIL_HOST = env.text("FUTSIM_EMAIL_HOST", "")
"""The mail server; without one no e-mail is sent."""
EMAIL_PORT = env.integer("FUTSIM_EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("FUTSIM_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("FUTSIM_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env.flag("FUTSIM_EMAIL_TLS", True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("FUTSIM_EMAIL_FROM", "futsim@localhost")

# --- accounts --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "replay:home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "accounts/locked_out.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ALLOWED_CORS_ORIGINS = PUBLIC_URL  # of the answer to a script that is locked out; the default is everybody

# --- the web ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.text("FUTSIM_STATIC_ROOT", "") or None
"""Where `collectstatic` puts the files for a web server in front; futsim itself serves them from the sources."""
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
# Browsers ask again with the ETag each time: a new version of futsim is never mixed with old modules.
WHITENOISE_MAX_AGE = 0

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        # the chart and window libraries set style attributes
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")

LANGUAGE_CODE = "en-us"
TIME_ZONE = "America/New_York"
USE_I18N = False
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("FUTSIM_LOG_LEVEL", "INFO")},
    "loggers": {
        "axes": {"level": "WARNING"},
        "databento": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
    },
}
