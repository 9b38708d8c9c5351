"""What goes over the cables of a lab, and whether it says what it should not."""

import base64
import socket
import struct
import threading

ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_STATISTICS = 263, 6
QUEUE_BYTES = 64 << 20
PACKET_MAX_BYTES = 1 << 17  # segments that the card would have cut are not cut here
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"  # of bech32m


class Capture(threading.Thread):
    """Every packet on one machine's cable, both ways."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
        self.socket.bind((f"to-{name}", ETH_P_ALL))
        self.packets = []
        self.start()

    def run(self):
        while True:
            self.packets.append(self.socket.recv(PACKET_MAX_BYTES))

    def lost(self):
        counts = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return struct.unpack("=II", counts)[1]


def bytes_of_card(card):
    """version 1 | account key 32 | card secret 16; of an invitation and a short form as well."""
    bits = "".join(f"{LETTERS.index(letter):05b}" for letter in card.split("1", 1)[1][:-6])
    return bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) - 7, 8))


def spellings(needle):
    whole = len(needle) // 3 * 3  # the rest depends on what follows
    return [needle, needle.hex().encode(), needle.hex().upper().encode(),
            base64.b64encode(needle[:whole])]


def holds(heap, needle):
    return any(spelling in heap for spelling in spellings(needle))
