/* Local clients on a Unix socket. What is written during a round is collected and sent at its end,
   in one go per client; one buffer is on its way while the next fills. */
#include "host/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536
#define BACKLOG    128

struct buffer {
    char *data;
    size_t size, room;
};

struct host_client {
    struct list link;
    struct host *host;
    uint64_t number;
    void *kept;
    uv_pipe_t pipe;
    uv_write_t request;
    struct buffer sending, waiting;
    bool open;    /* `opened` was told, so `closed` must be */
    bool paused;  /* not read from until its queue drains */
    bool ended;   /* it sends no more */
    bool leaving; /* closed once its queue is empty */
};

static struct host_client *client_of(const struct list *link)
{
    return LIST_ITEM(link, struct host_client, link);
}

static void buffer_empty(struct buffer *buffer)
{
    if (buffer->data != NULL)
        wipe(buffer->data, buffer->size);
    mem_free(buffer->data);
    *buffer = (struct buffer){ 0 };
}

/* Grown by hand: realloc would leave copies of what people write behind. */
static void buffer_add(struct buffer *buffer, struct bytes data)
{
    size_t size = buffer->size + data.size;
    if (size > buffer->room) {
        struct buffer wider = { .size = buffer->size, .room = later(2 * buffer->room, size) };
        wider.data = mem_zeroed(wider.room, 1);
        if (buffer->size > 0)
            memcpy(wider.data, buffer->data, buffer->size);
        buffer_empty(buffer);
        *buffer = wider;
    }
    if (data.size > 0)
        memcpy(buffer->data + buffer->size, data.data, data.size);
    buffer->size = size;
}

/* --- the end of a client ---------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct host_client *client = handle->data;
    struct host *host = client->host;
    if (client->open && host->settings.hooks.closed != NULL)
        host->settings.hooks.closed(host->settings.hooks.self, client);
    if (client->open)
        host->client_count--;
    list_remove(&client->link);
    buffer_empty(&client->sending);
    buffer_empty(&client->waiting);
    mem_free(client);
}

static void close_client(struct host_client *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->pipe))
        uv_close((uv_handle_t *)&client->pipe, on_closed);
}

void host_hang_up(struct host_client *client)
{
    if (client->leaving)
        return;
    client->leaving = true;
    host_touch(client->host); /* the end of the round sees to it */
}

/* --- reading ---------------------------------------------------------------------------------- */

static void give_memory(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct host_client *client = handle->data;
    (void)wanted;
    *out = uv_buf_init(client->host->read_memory, READ_BYTES);
}

/* A client that has said all it has to say may still be listening for answers; one that broke off
   is not. */
static void end_reading(struct host_client *client, bool politely)
{
    struct host_hooks *hooks = &client->host->settings.hooks;
    client->ended = true;
    uv_read_stop((uv_stream_t *)&client->pipe);
    if (!politely)
        close_client(client);
    else if (hooks->ended != NULL)
        hooks->ended(hooks->self, client);
    else
        host_hang_up(client);
    host_touch(client->host);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *memory)
{
    struct host_client *client = stream->data;
    struct host_hooks *hooks = &client->host->settings.hooks;
    if (got == 0) /* nothing after all */
        return;
    if (got < 0) {
        end_reading(client, got == UV_EOF);
        return;
    }
    if (hooks->data != NULL && !client->leaving)
        hooks->data(hooks->self, client, (struct bytes){ (uint8_t *)memory->base, (size_t)got });
    wipe(memory->base, (size_t)got); /* it may have been a passphrase */
    host_touch(client->host);
}

static void read_on(struct host_client *client)
{
    client->paused = false;
    if (!client->leaving && !client->ended &&
        uv_read_start((uv_stream_t *)&client->pipe, give_memory, on_read) != 0)
        close_client(client);
}

/* --- writing ---------------------------------------------------------------------------------- */

size_t host_queued(const struct host_client *client)
{
    return client->sending.size + client->waiting.size;
}

bool host_write(struct host_client *client, struct bytes data)
{
    if (uv_is_closing((uv_handle_t *)&client->pipe))
        return false;
    if (host_queued(client) + data.size > HOST_QUEUE_MAX_BYTES) {
        close_client(client);
        return false;
    }
    buffer_add(&client->waiting, data);
    host_touch(client->host);
    return true;
}

static void flush(struct host_client *client);

static void on_written(uv_write_t *request, int status)
{
    struct host_client *client = request->data;
    struct host_hooks *hooks = &client->host->settings.hooks;
    buffer_empty(&client->sending);
    if (status < 0) {
        close_client(client);
        return;
    }
    flush(client);
    if (client->paused && host_queued(client) < HOST_QUEUE_ENOUGH_BYTES) {
        read_on(client);
        if (hooks->room != NULL)
            hooks->room(hooks->self, client);
        host_touch(client->host);
    }
}

static void flush(struct host_client *client)
{
    if (client->sending.data != NULL || uv_is_closing((uv_handle_t *)&client->pipe))
        return;
    if (client->waiting.size == 0) {
        if (client->leaving)
            close_client(client);
        return;
    }
    client->sending = client->waiting;
    client->waiting = (struct buffer){ 0 };
    uv_buf_t part = uv_buf_init(client->sending.data, (unsigned)client->sending.size);
    client->request.data = client;
    if (uv_write(&client->request, (uv_stream_t *)&client->pipe, &part, 1, on_written) != 0)
        close_client(client);
}

void server_flush(struct host *host)
{
    LIST_EACH (link, &host->clients) {
        struct host_client *client = client_of(link);
        flush(client);
        if (!client->paused && host_queued(client) >= HOST_QUEUE_ENOUGH_BYTES) {
            client->paused = true;
            uv_read_stop((uv_stream_t *)&client->pipe);
        }
    }
}

bool server_busy(const struct host *host)
{
    LIST_EACH (link, &host->clients)
        if (host_queued(client_of(link)) > 0 &&
            !uv_is_closing((uv_handle_t *)&client_of(link)->pipe))
            return true;
    return false;
}

/* --- letting in ------------------------------------------------------------------------------- */

static bool is_our_user(uv_pipe_t *pipe)
{
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t size = sizeof peer;
    return uv_fileno((uv_handle_t *)pipe, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void let_in(struct host_client *client)
{
    struct host *host = client->host;
    if (host->client_count == HOST_CLIENTS_MAX) {
        uv_buf_t part = uv_buf_init((char *)(uintptr_t)host->settings.crowded.data,
                                    (unsigned)host->settings.crowded.size);
        uv_try_write((uv_stream_t *)&client->pipe, &part, 1);
        close_client(client);
        return;
    }
    client->open = true;
    client->number = ++host->newest_client;
    host->client_count++;
    if (host->settings.hooks.opened != NULL)
        host->settings.hooks.opened(host->settings.hooks.self, client);
    read_on(client);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct host *host = server->data;
    if (status < 0)
        return;
    struct host_client *client = mem_zeroed(1, sizeof *client);
    client->host = host;
    client->pipe.data = client;
    int made = uv_pipe_init(&host->loop, &client->pipe, 0);
    assert(made == 0);
    list_append(&host->clients, &client->link);
    if (uv_accept(server, (uv_stream_t *)&client->pipe) != 0 || !is_our_user(&client->pipe))
        close_client(client);
    else
        let_in(client);
}

/* A socket that nobody answers at is left over from a crash. Anything else
   that lies there stays. */
static enum host_trouble clear_path(const struct sockaddr_un *name)
{
    struct stat facts;
    if (lstat(name->sun_path, &facts) < 0)
        return errno == ENOENT ? HOST_FINE : HOST_UNWRITABLE;
    if (!S_ISSOCK(facts.st_mode))
        return HOST_UNWRITABLE;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return HOST_BROKEN;
    bool dead =
        connect(fd, (const struct sockaddr *)name, sizeof *name) < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!dead)
        return HOST_SOCKET_TAKEN;
    return unlink(name->sun_path) == 0 ? HOST_FINE : HOST_UNWRITABLE;
}

static enum host_trouble bind_at(uv_pipe_t *server, const char *path)
{
    mode_t before = umask(0177); /* never, not for a moment, open to others */
    int error = uv_pipe_bind(server, path);
    umask(before);
    if (error == 0)
        error = uv_listen((uv_stream_t *)server, BACKLOG, on_connection);
    switch (error) {
    case 0:
        return HOST_FINE;
    case UV_ENOSPC:
        return HOST_FULL;
    case UV_EADDRINUSE:
        return HOST_SOCKET_TAKEN;
    case UV_EACCES: /* libuv also says this for a folder that is not there */
    case UV_EPERM:
    case UV_EROFS:
        return HOST_UNWRITABLE;
    default:
        return HOST_BROKEN;
    }
}

enum host_trouble host_serve(struct host *host, const char *path)
{
    assert(host->read_memory == NULL);
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    if (strlen(path) >= HOST_SOCKET_PATH_MAX)
        return HOST_PATH_TOO_LONG;
    memcpy(name.sun_path, path, strlen(path) + 1);
    enum host_trouble trouble = clear_path(&name);
    if (trouble != HOST_FINE)
        return trouble;
    int made = uv_pipe_init(&host->loop, &host->server, 0);
    assert(made == 0);
    host->server.data = host;
    host->read_memory = mem_zeroed(READ_BYTES, 1);
    return bind_at(&host->server, path);
}

void server_close(struct host *host)
{
    LIST_EACH (link, &host->clients)
        close_client(client_of(link));
    if (host->read_memory != NULL)
        uv_close((uv_handle_t *)&host->server, NULL);
}

/* --- looking ---------------------------------------------------------------------------------- */

uint64_t host_client_number(const struct host_client *client)
{
    return client->number;
}

struct host_client *host_client_find(struct host *host, uint64_t number)
{
    LIST_EACH (link, &host->clients)
        if (client_of(link)->number == number &&
            !uv_is_closing((uv_handle_t *)&client_of(link)->pipe))
            return client_of(link);
    return NULL;
}

void host_client_keep(struct host_client *client, void *yours)
{
    client->kept = yours;
}

void *host_client_kept(const struct host_client *client)
{
    return client->kept;
}
