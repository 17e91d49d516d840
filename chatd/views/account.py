"""A person's own account: password and tokens."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST, require_safe

from chatd.http import PageRequest
from chatd.models import ApiToken
from chatd.services.accounts import revoke_tokens

DONE = {
    "password": "Your password is changed; tokens and other sessions are over.",
    "tokens": "Your API tokens are revoked.",
}
"""What ``?done=`` stands for: no other text of an address is shown."""


@login_required
@require_safe
def account(request: PageRequest) -> HttpResponse:
    """Show the account: its name, the way to another password, its tokens."""
    context = {
        "tokens": ApiToken.objects.valid_of(request.user),
        "done": DONE.get(request.GET.get("done", ""), ""),
    }
    return render(request, "chatd/account.html", context)


@login_required
@require_POST
def tokens_revoke(request: PageRequest) -> HttpResponse:
    """End all tokens of the account."""
    revoke_tokens(user=request.user)
    return redirect(f"{reverse_lazy('account')}?done=tokens")


class ChangePassword(PasswordChangeView):
    """Another password. It ends the other sessions and all tokens."""

    template_name = "chatd/password.html"

    def get_success_url(self) -> str:
        """Return to the account."""
        return f"{reverse_lazy('account')}?done=password"

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Change it, and delete the tokens, which are void from now on."""
        response = super().form_valid(form)
        revoke_tokens(user=form.user)
        return response
