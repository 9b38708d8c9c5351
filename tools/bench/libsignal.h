/* The rival of tools/bench/crypto.c: two people of libsignal-protocol-c, who keep in memory all
   that it wants kept, with libcrypto for its ciphers and hashes. Compiled where Debian's
   libsignal-protocol-c-dev is installed. */
#ifndef BENCH_LIBSIGNAL_H
#define BENCH_LIBSIGNAL_H

#include <stddef.h>
#include <stdint.h>

void signal_begin(void);
/* A session start (X3DH without a one-time key): a bundle is taken, the first message sealed and
   opened. */
void signal_meet(void);
/* After signal_meet: `size` bytes are sealed by one of the two (0 or 1) and opened by the other. */
void signal_say(int speaker, const uint8_t *text, size_t size);
void signal_end(void);

#endif
