/* One UDP socket: runs of datagrams out, batches of datagrams in. Never waits, knows no loop.

   It uses UDP_SEGMENT and UDP_GRO (udp(7)) where the kernel and the path have them and finds out by
   trying, so a machine without them, or a path that refuses them, only costs speed. Every datagram
   leaves with DF set and no advice of the kernel about the path's MTU: that is the link's own
   affair. */
#ifndef HOST_UDP_H
#define HOST_UDP_H

#include "base/address.h"
#include "host/host.h"

#define UDP_PAYLOAD_MAX_BYTES 65507 /* IPv4: 65535 less both headers */
#define UDP_SEGMENTS_MAX      64    /* of one UDP_SEGMENT send: every kernel that has it */
#define UDP_BATCH_MESSAGES    8
#define UDP_BATCH_BYTES       65536 /* one coalesced arrival */

struct udp;

enum host_trouble udp_open(const struct address *at, struct udp **out);
void udp_close(struct udp *udp); /* NULL is fine */
int udp_descriptor(const struct udp *udp);
struct address udp_bound(const struct udp *udp);

/* Sends what the kernel takes of the run, every `segment` bytes one datagram; a datagram the
   network refuses counts as sent, since networks lose datagrams. Less than all: wait until it is
   writable. */
size_t udp_send(struct udp *udp, const struct address *to, struct bytes run, size_t segment);

struct udp_arrival { /* one datagram, or several of `segment` bytes (the last maybe shorter) */
    struct address from;
    struct bytes bytes; /* valid until the next udp_receive of the same batch */
    size_t segment;
};
struct udp_batch;
struct udp_batch *udp_batch_create(void); /* may serve any number of sockets */
void udp_batch_destroy(struct udp_batch *batch);
/* 0: nothing more for now. */
size_t udp_receive(struct udp *udp, struct udp_batch *batch,
                   struct udp_arrival out[UDP_BATCH_MESSAGES]);

/* What of the kernel's help is in use; tests and benches also take it away. */
struct udp_help {
    bool segments, coalescing;
};
struct udp_help udp_help(const struct udp *udp);
void udp_help_less(struct udp *udp, struct udp_help most);

#endif
