/* What the verbs about contacts share. */
#ifndef CLI_CONTACT_H
#define CLI_CONTACT_H

#include "apps/cli/command.h"

void contact_print_line(const json_t *contact);
void contact_print_all(const json_t *contact);
/* Asks for something whose answer holds a contact, and prints it: as JSON, or `format` with the
   contact's name for a person. Takes over `params`. Returns the exit code. */
int contact_ask(struct cli *cli, const char *method, json_t *params, const char *before,
                const char *behind);

#endif
