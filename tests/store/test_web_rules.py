"""Which addresses and redirects the rules about web servers let through, and what errors of connections say."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import IncompleteRead, ProtocolError
from urllib3.util import parse_url

from reelmill.contract.errors import ServerRefused, SpecError
from reelmill_stages.store.web.errors import unanswered
from reelmill_stages.store.web.rules import Rules, not_public, origin

V4 = st.ip_addresses(v=4) | st.sampled_from([ipaddress.IPv4Address(f"{net}.0.0.1") for net in (10, 127, 172, 192, 8)])


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", ""),
        ("2606:4700::1111", ""),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd00:ec2::254", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("0.0.0.0", "reserved"),
        ("224.0.0.1", "reserved"),
        ("255.255.255.255", "private"),
        ("168.63.129.16", "reserved"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:7f00:1::", "loopback"),
        ("::7f00:1", "private"),
        ("::ffff:0:7f00:1", "private"),
        ("64:ff9b:1::a00:1", "private"),
        ("fec0::1", "private"),
        ("192.0.0.192", "reserved"),
    ],
)
def test_an_address_is_public_or_what_it_is(address: str, kind: str) -> None:
    assert not_public(address) == kind


@given(V4)
def test_every_form_of_an_address_in_ipv6_is_judged_like_the_address(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    forms = (0xFFFF << 32 | number, 0x0064_FF9B << 96 | number, 0x2002 << 112 | number << 80)
    assert {not_public(str(ipaddress.IPv6Address(form))) for form in forms} == {not_public(str(address))}


PARTS = st.lists(
    st.sampled_from(
        ["http:", "https:", "file:", "//", "/", "\\", "@", ":", "a.org", "b.org", "80", "443", "?", "#", "..", "%40"]
    )
    | st.text(max_size=3),
    max_size=8,
).map("".join)


@given(PARTS)
def test_no_redirect_leads_to_another_server_or_kind_of_address(location: str) -> None:
    try:
        target = Rules().target("https://a.org/x/y", location)
    except ServerRefused:
        return
    read = parse_url(target)
    assert (read.scheme, read.host, read.auth, read.port or 443) == ("https", "a.org", None, 443)


@given(PARTS)
def test_an_allowed_host_is_matched_whole(location: str) -> None:
    try:
        target = Rules(hosts=["*.a.org"]).target("https://a.org/", location)
    except ServerRefused:
        return
    host = parse_url(target).host or ""
    assert host == "a.org" or host.endswith(".a.org")


def test_permission_is_for_one_server_and_not_for_its_host() -> None:
    rules = Rules(private=["http://Files.intern:8080/"[:-1]])
    rules.check_address(origin("http://files.intern:8080/x"), "10.0.0.1")
    for other in ("http://files.intern/x", "https://files.intern:8080/x", "http://other.intern:8080/x"):
        with pytest.raises(ServerRefused):
            rules.check_address(origin(other), "10.0.0.1")


def test_a_plain_server_may_move_to_the_protected_one_and_not_back() -> None:
    assert Rules().target("http://a.org/x", "https://a.org/x") == "https://a.org/x"
    with pytest.raises(ServerRefused, match="not protected"):
        Rules(hosts=["a.org"]).target("https://a.org/x", "http://a.org/x")


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.org", ".a.org"])
def test_a_host_that_no_resolver_takes_is_no_url(host: str) -> None:
    with pytest.raises(SpecError, match="not a URL"):
        origin(f"https://{host}/x")
    with pytest.raises(ServerRefused, match="cannot be used"):
        Rules(hosts=["*"]).target("https://a.org/", f"https://{host}/x")


def test_the_error_about_a_body_that_ends_early_contains_its_bytes() -> None:
    error = unanswered(ProtocolError("Connection broken", IncompleteRead(3, 5)), "https://a.org/x")
    assert "after 3 bytes, 5 before the end" in str(error)
