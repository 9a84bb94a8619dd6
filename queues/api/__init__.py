"""The JSON interface: include `queues.api.urls` under the path of your choice, such as `api/admin/`."""
