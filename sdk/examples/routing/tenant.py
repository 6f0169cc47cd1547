"""Who asks decides who answers; the application's code is the same for all. tenant.yaml."""

from weir_client import ask, show

for tenant in ("enterprise", "startup", None):
    headers = {"x-tenant": tenant} if tenant else None
    show(tenant or "no tenant", *ask("Hello!", headers=headers))
