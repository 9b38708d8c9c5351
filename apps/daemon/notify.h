/* Tells a service manager what goes on: sd_notify(3), the protocol without the library. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* The descriptor of the socket NOTIFY_SOCKET names, or -1: nobody wants to know. The variable is
   taken away, so that no child speaks in our name. */
int notify_open(void);
void notify_say(int notify, const char *state); /* "READY=1", "STOPPING=1"; -1 is fine */
void notify_close(int notify);

#endif
