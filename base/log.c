#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void log_line(struct log *log, enum log_level level, const char *room, const char *format, ...)
{
    if (log == NULL || log->line == NULL || level < log->least)
        return;
    char text[LOG_LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log->line(log->sink, level, room, text);
}
