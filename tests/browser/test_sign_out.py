"""What is left in the browser of who has signed out."""

from tests.browser.support import running_chromium, sign_in

WORDS = "my private words"


def test_back_after_signing_out_shows_no_chat(site: str) -> None:
    with running_chromium(keeps_pages=True) as browser:
        page = browser.new_context(base_url=site).new_page()
        sign_in(page, "demo")
        page.select_option("select[name=model]", "demo")
        page.fill("textarea[name=text]", WORDS)
        page.click("main button")
        page.wait_for_selector(f"text={WORDS}")
        page.click("text=Sign out")
        page.wait_for_selector("input[name=password]")
        page.go_back()
        page.wait_for_selector("input[name=password]")
        assert WORDS not in page.content()


def test_a_password_is_changed_on_a_page_behind_ones_name(site: str) -> None:
    with running_chromium() as browser:
        page = browser.new_context(base_url=site).new_page()
        sign_in(page, "demo")
        page.click("a[href='/account/']")
        page.click("text=Change password")
        page.fill("input[name=old_password]", "wrong")
        page.fill("input[name=new_password1]", "correct-horse-7")
        page.fill("input[name=new_password2]", "correct-horse-7")
        page.click("button")
        page.wait_for_selector("[role=alert]:not(:empty)")
        assert page.url.endswith("/account/password/")
