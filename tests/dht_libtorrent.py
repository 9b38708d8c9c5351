"""Several libtorrent sessions in one process, told what to do by lines of JSON.

usage: dht_libtorrent.py, with {"listen": ["IP:PORT", ...], "settings": {...}} as the first line

It prints {"ready": true}; afterwards, for every line {"at": SESSION, "do": WHAT, ...}, what is
asked for at once, and whatever the sessions tell later. Bytes are hex. It ends with its input.
"""

import json
import os
import select
import sys

import libtorrent as lt

PAUSE_SECONDS = 0.005
QUIET = {"enable_upnp": False, "enable_natpmp": False, "enable_lsd": False,
         "dht_bootstrap_nodes": "", "user_agent": "",
         "alert_mask": lt.alert.category_t.dht_notification
         | lt.alert.category_t.dht_operation_notification}


def say(**what):
    print(json.dumps(what), flush=True)


def sha1(text):
    return lt.sha1_hash(bytes.fromhex(text))


def hexed(digest):
    return digest.to_bytes().hex()


def begin(session, line):
    do = line["do"]
    if do == "node":
        session.add_dht_node(tuple(line["address"]))
    elif do == "find":
        session.dht_get_peers(sha1(line["target"]))
    elif do == "announce":
        # Not dht_announce: the binding has no name for the type of its flags. A torrent announces
        # the port it listens on.
        torrent = lt.parse_magnet_uri("magnet:?xt=urn:btih:" + line["target"])
        torrent.save_path = os.devnull  # nothing ever comes
        session.async_add_torrent(torrent)
    elif do == "get":
        session.dht_get_immutable_item(sha1(line["target"]))
    elif do == "put":
        say(at=line["at"], told="target",
            target=hexed(session.dht_put_immutable_item(bytes.fromhex(line["value"]))))
    elif do == "get mutable":
        session.dht_get_mutable_item(bytes.fromhex(line["key"]), bytes.fromhex(line["salt"]))
    elif do == "put mutable":
        session.dht_put_mutable_item(*(bytes.fromhex(line[part])
                                       for part in ("private", "key", "value", "salt")))
    elif do == "settings":
        session.apply_settings(line["settings"])
    elif do == "live":
        session.post_dht_stats()


def item_value(alert):
    try:
        item = alert.item
    except RuntimeError:  # nothing was found
        return None
    value = item.get("value") if isinstance(item, dict) and "value" in item else item
    return value.hex() if isinstance(value, bytes) else None


def tell(at, alert):
    name = alert.what()
    if name == "dht_get_peers_reply":
        say(at=at, told="peers", target=hexed(alert.info_hash), peers=alert.peers())
    elif name == "dht_immutable_item":
        say(at=at, told="item", target=hexed(alert.target), value=item_value(alert))
    elif name == "dht_mutable_item":
        say(at=at, told="mutable item", key=bytes(alert.key).hex(),
            salt=alert.salt.encode("latin-1").hex() if isinstance(alert.salt, str)
            else alert.salt.hex(), seq=alert.seq, final=alert.authoritative,
            value=item_value(alert))
    elif name == "dht_stats":
        say(at=at, told="live", count=sum(bucket["num_nodes"] for bucket in alert.routing_table))
    elif name == "dht_put":
        say(at=at, told="put", stored=alert.num_success, target=hexed(alert.target),
            seq=alert.seq)


def orders(stream):
    """Every line that has come by now; None at the end. Python's own buffer would hide lines from
    select."""
    rest = b""
    while True:
        lines = []
        if select.select([stream], [], [], PAUSE_SECONDS)[0]:
            data = os.read(stream, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
        yield [json.loads(line) for line in lines]


def main():
    sessions = []
    for lines in orders(sys.stdin.fileno()):
        for line in lines:
            if "listen" in line:
                sessions += [lt.session({**QUIET, "listen_interfaces": at, **line["settings"]})
                             for at in line["listen"]]
                say(ready=True)
            else:
                begin(sessions[line["at"]], line)
        for at, session in enumerate(sessions):
            for alert in session.pop_alerts():
                tell(at, alert)


if __name__ == "__main__":
    main()
