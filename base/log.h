/* Where lines go: handed in, never global. A line names its room and never a person, an address, a
   key or a text. What strangers can cause is rationed by the room that logs it. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_TRACE, LOG_NOTE, LOG_WARN };

struct log {
    void (*line)(void *sink, enum log_level level, const char *room, const char *text);
    void *sink;
    enum log_level least;
};

#define LOG_LINE_MAX_BYTES 512 /* longer lines are cut */

/* NULL is fine: nothing is said. */
__attribute__((format(printf, 4, 5))) void log_line(struct log *log, enum log_level level,
                                                    const char *room, const char *format, ...);

#endif
