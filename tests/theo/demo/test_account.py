from django.contrib.auth import authenticate, get_user_model

from theo.demo.account import ensure_admin


def test_the_admin_can_log_in_with_the_password_that_is_given_back(db):
    account = ensure_admin()
    assert authenticate(username="admin", password=account.password).is_superuser


def test_a_second_run_gives_a_new_password_to_the_same_admin(db):
    first, second = ensure_admin(), ensure_admin()
    assert first.user == second.user
    assert first.password != second.password
    assert authenticate(username="admin", password=second.password)
    assert not authenticate(username="admin", password=first.password)


def test_a_password_can_be_chosen(db):
    ensure_admin("correct horse")
    assert authenticate(username="admin", password="correct horse")
    assert get_user_model().objects.count() == 1
