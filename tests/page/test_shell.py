"""The shell of the page: tabs, addresses, controls, light and dark."""


def test_the_page_opens_without_a_request_or_an_error(page_with):
    tab = page_with()
    assert tab.title()
