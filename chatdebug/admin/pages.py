"""Pages of the admin that Django has no view for, in the frame of those that it has."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def admin_page(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
) -> TemplateResponse:
    """Return a page of a model; its ``template`` extends ``chatdebug/admin/page.html``.

    ``context`` has its ``title``, and whatever else the template needs.
    """
    site = model_admin.admin_site
    request.current_app = site.name  # as Django's own views of the admin
    frame = {**site.each_context(request), "opts": model_admin.opts}
    return TemplateResponse(request, f"chatdebug/admin/{template}", frame | context)
