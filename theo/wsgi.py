"""The WSGI application, for gunicorn and its like."""

import os

from django.core.wsgi import get_wsgi_application

from theo.embedded import ensure_servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "theo.settings")
ensure_servers()
application = get_wsgi_application()
