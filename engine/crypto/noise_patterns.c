#include "engine/crypto/noise_patterns.h"

#include <string.h>

/* Noise revision 34, sections 7.4, 7.5 and 18.1; the psk rows are section 9.4 applied to them, the
   hfs rows what the extension's prose says of them. */
static const struct noise_pattern patterns[] = {
    /* one way */
    { "N", { { 0 }, { S } }, { { E, ES } } },
    { "K", { { S }, { S } }, { { E, ES, SS } } },
    { "X", { { 0 }, { S } }, { { E, ES, S, SS } } },
    { "Npsk0", { { 0 }, { S } }, { { PSK, E, ES } } },
    { "Kpsk0", { { S }, { S } }, { { PSK, E, ES, SS } } },
    { "Xpsk1", { { 0 }, { S } }, { { E, ES, S, SS, PSK } } },
    /* interactive */
    { "NN", { { 0 }, { 0 } }, { { E }, { E, EE } } },
    { "NK", { { 0 }, { S } }, { { E, ES }, { E, EE } } },
    { "NX", { { 0 }, { 0 } }, { { E }, { E, EE, S, ES } } },
    { "KN", { { S }, { 0 } }, { { E }, { E, EE, SE } } },
    { "KK", { { S }, { S } }, { { E, ES, SS }, { E, EE, SE } } },
    { "KX", { { S }, { 0 } }, { { E }, { E, EE, SE, S, ES } } },
    { "XN", { { 0 }, { 0 } }, { { E }, { E, EE }, { S, SE } } },
    { "XK", { { 0 }, { S } }, { { E, ES }, { E, EE }, { S, SE } } },
    { "XX", { { 0 }, { 0 } }, { { E }, { E, EE, S, ES }, { S, SE } } },
    { "IN", { { 0 }, { 0 } }, { { E, S }, { E, EE, SE } } },
    { "IK", { { 0 }, { S } }, { { E, ES, S, SS }, { E, EE, SE } } },
    { "IX", { { 0 }, { 0 } }, { { E, S }, { E, EE, SE, S, ES } } },
    /* with a shared key */
    { "NNpsk0", { { 0 }, { 0 } }, { { PSK, E }, { E, EE } } },
    { "NNpsk2", { { 0 }, { 0 } }, { { E }, { E, EE, PSK } } },
    { "NKpsk0", { { 0 }, { S } }, { { PSK, E, ES }, { E, EE } } },
    { "NKpsk2", { { 0 }, { S } }, { { E, ES }, { E, EE, PSK } } },
    { "NXpsk2", { { 0 }, { 0 } }, { { E }, { E, EE, S, ES, PSK } } },
    { "XNpsk3", { { 0 }, { 0 } }, { { E }, { E, EE }, { S, SE, PSK } } },
    { "XKpsk3", { { 0 }, { S } }, { { E, ES }, { E, EE }, { S, SE, PSK } } },
    { "XXpsk3", { { 0 }, { 0 } }, { { E }, { E, EE, S, ES }, { S, SE, PSK } } },
    { "KNpsk0", { { S }, { 0 } }, { { PSK, E }, { E, EE, SE } } },
    { "KNpsk2", { { S }, { 0 } }, { { E }, { E, EE, SE, PSK } } },
    { "KKpsk0", { { S }, { S } }, { { PSK, E, ES, SS }, { E, EE, SE } } },
    { "KKpsk2", { { S }, { S } }, { { E, ES, SS }, { E, EE, SE, PSK } } },
    { "KXpsk2", { { S }, { 0 } }, { { E }, { E, EE, SE, S, ES, PSK } } },
    { "INpsk1", { { 0 }, { 0 } }, { { E, S, PSK }, { E, EE, SE } } },
    { "INpsk2", { { 0 }, { 0 } }, { { E, S }, { E, EE, SE, PSK } } },
    { "IKpsk1", { { 0 }, { S } }, { { E, ES, S, SS, PSK }, { E, EE, SE } } },
    { "IKpsk2", { { 0 }, { S } }, { { E, ES, S, SS }, { E, EE, SE, PSK } } },
    { "IXpsk2", { { 0 }, { 0 } }, { { E, S }, { E, EE, SE, S, ES, PSK } } },
    /* deferred */
    { "NK1", { { 0 }, { S } }, { { E }, { E, EE, ES } } },
    { "NX1", { { 0 }, { 0 } }, { { E }, { E, EE, S }, { ES } } },
    { "X1N", { { 0 }, { 0 } }, { { E }, { E, EE }, { S }, { SE } } },
    { "X1K", { { 0 }, { S } }, { { E, ES }, { E, EE }, { S }, { SE } } },
    { "XK1", { { 0 }, { S } }, { { E }, { E, EE, ES }, { S, SE } } },
    { "X1K1", { { 0 }, { S } }, { { E }, { E, EE, ES }, { S }, { SE } } },
    { "X1X", { { 0 }, { 0 } }, { { E }, { E, EE, S, ES }, { S }, { SE } } },
    { "XX1", { { 0 }, { 0 } }, { { E }, { E, EE, S }, { ES, S, SE } } },
    { "X1X1", { { 0 }, { 0 } }, { { E }, { E, EE, S }, { ES, S }, { SE } } },
    { "K1N", { { S }, { 0 } }, { { E }, { E, EE }, { SE } } },
    { "K1K", { { S }, { S } }, { { E, ES }, { E, EE }, { SE } } },
    { "KK1", { { S }, { S } }, { { E }, { E, EE, SE, ES } } },
    { "K1K1", { { S }, { S } }, { { E }, { E, EE, ES }, { SE } } },
    { "K1X", { { S }, { 0 } }, { { E }, { E, EE, S, ES }, { SE } } },
    { "KX1", { { S }, { 0 } }, { { E }, { E, EE, SE, S }, { ES } } },
    { "K1X1", { { S }, { 0 } }, { { E }, { E, EE, S }, { SE, ES } } },
    { "I1N", { { 0 }, { 0 } }, { { E, S }, { E, EE }, { SE } } },
    { "I1K", { { 0 }, { S } }, { { E, ES, S }, { E, EE }, { SE } } },
    { "IK1", { { 0 }, { S } }, { { E, S }, { E, EE, SE, ES } } },
    { "I1K1", { { 0 }, { S } }, { { E, S }, { E, EE, ES }, { SE } } },
    { "I1X", { { 0 }, { 0 } }, { { E, S }, { E, EE, S, ES }, { SE } } },
    { "IX1", { { 0 }, { 0 } }, { { E, S }, { E, EE, SE, S }, { ES } } },
    { "I1X1", { { 0 }, { 0 } }, { { E, S }, { E, EE, S }, { SE, ES } } },
    /* hybrid: e1 follows the first e and its agreements, ekem1 the first ee */
    { "NNhfs", { { 0 }, { 0 } }, { { E, E1 }, { E, EE, EKEM1 } } },
    { "NKhfs", { { 0 }, { S } }, { { E, ES, E1 }, { E, EE, EKEM1 } } },
    { "XKhfs", { { 0 }, { S } }, { { E, ES, E1 }, { E, EE, EKEM1 }, { S, SE } } },
    { "XXhfs", { { 0 }, { 0 } }, { { E, E1 }, { E, EE, EKEM1, S, ES }, { S, SE } } },
    { "IKhfs", { { 0 }, { S } }, { { E, ES, E1, S, SS }, { E, EE, EKEM1, SE } } },
    { "IKhfs+psk1", { { 0 }, { S } }, { { E, ES, E1, S, SS, PSK }, { E, EE, EKEM1, SE } } },
    { "IKhfs+psk2", { { 0 }, { S } }, { { E, ES, E1, S, SS }, { E, EE, EKEM1, SE, PSK } } },
    /* ours: a session started from the other's bundle */
    { "start", { { 0 }, { S, E, E1 } }, { { E, EE, EKEM1, ES, S, SE } } },
};

const struct noise_pattern *noise_pattern(const char *name)
{
    for (size_t i = 0; i < COUNT(patterns); i++)
        if (strcmp(patterns[i].name, name) == 0)
            return &patterns[i];
    return NULL;
}

size_t noise_pattern_messages(const struct noise_pattern *pattern)
{
    size_t count = 0;
    while (count < MESSAGES_MAX && pattern->messages[count][0] != END)
        count++;
    return count;
}

bool noise_pattern_has(const struct noise_pattern *pattern, enum token token)
{
    for (size_t i = 0; i < noise_pattern_messages(pattern); i++)
        for (const enum token *at = pattern->messages[i]; *at != END; at++)
            if (*at == token)
                return true;
    return false;
}
