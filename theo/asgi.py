"""The ASGI application, for uvicorn and its like."""

import os

from django.core.asgi import get_asgi_application

from theo.embedded import ensure_servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "theo.settings")
ensure_servers()
application = get_asgi_application()
