/* A fault says who must act. Our own bugs are not faults: they are asserts, kept in release. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

enum fault {
    FAULT_NONE,
    FAULT_PEER, /* they erred: drop what they sent, keep everything else as it was */
    FAULT_BUSY, /* a stated limit is reached: later, or refuse */
    FAULT_GONE, /* there is no such thing: tell the user */
    FAULT_DISK, /* our machine failed: stop cleanly and say so */
};

#endif
