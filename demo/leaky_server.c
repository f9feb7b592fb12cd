/* leaky_server: a small socket.io-like server with two real faults, and its own load.
 *
 * usage: leaky_server [CONNECTIONS]
 *
 * It listens on 127.0.0.1. A child process is the load: clients that connect, upgrade to WebSocket,
 * send events and go. The faults, as they are met in the field:
 *   1. a session whose client went away without a close frame is forgotten with all its buffers;
 *   2. now and then a worker renders a large export in many pieces and frees it; a few small blocks
 *      it keeps stand between the pieces, so glibc keeps the memory.
 * When the load is over it prints READY, keeps listening, and ends with stdin. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WORKERS = 4,
	CLIENTS = 4,
	CONNECTIONS = 9000,
	EVENTS = 12,          /* a client sends */
	BROADCASTS = 24,      /* queued for a client that does not read them */
	EXPORT_PIECES = 3500, /* of 1 to 8 KB */
	EXPORTS = 3,          /* each worker renders, over the run; the last one near its end */
	REQUEST_MAX = 1024,
	TEXT_MAX = 700,
};

/* RFC 6455 5.2: FIN with opcode text or close; 16-bit length; mask bit. */
enum { WS_TEXT = 0x81, WS_CLOSE = 0x88, WS_LENGTH16 = 126, WS_MASKED = 0x80 };

struct buffer {
	struct buffer *next;
	size_t size;
	unsigned char bytes[];
};

struct session {
	int fd;
	char *request;         /* the HTTP upgrade as it came */
	struct buffer *events; /* what the client sent */
	struct buffer *queue;  /* frames to send: here nobody ever drains them */
};

static const char *const event_names[] = { "order:update", "cart:changed", "presence",
										   "chat:message", "price:tick" };
static const char *const paths[] = { "/socket.io/?EIO=4&transport=websocket", "/api/orders/stream",
									 "/api/prices/live" };

static struct buffer *buffer_add(struct buffer **list, size_t size)
{
	struct buffer *buffer = malloc(sizeof *buffer + size);

	if (!buffer)
		abort();
	buffer->size = size;
	buffer->next = *list;
	*list = buffer;
	return buffer;
}

static void buffers_free(struct buffer *list)
{
	while (list) {
		struct buffer *next = list->next;

		free(list);
		list = next;
	}
}

/* A socket.io EVENT packet (socket.io protocol 5: '4' message, '2' event, then a JSON array). */
static size_t event_text(char *text, unsigned number)
{
	int size =
		snprintf(text, TEXT_MAX,
				 "42[\"%s\",{\"id\":%u,\"customer\":\"customer-%u\",\"total\":%u.%02u,\"items\":[",
				 event_names[number % 5], number, number % 977, number % 900, number % 100);

	for (unsigned i = 0; i < 1 + number % 9; i++)
		size += snprintf(text + size, (size_t)(TEXT_MAX - size),
						 "%s{\"sku\":\"SKU-%05u\",\"count\":%u,\"note\":\"leave at the door\"}",
						 i ? "," : "", number * 31 % 99991, i + 1);
	size += snprintf(text + size, (size_t)(TEXT_MAX - size), "]}]");
	return (size_t)size;
}

/* An unmasked text frame, server to client, as a library's send queue holds it. */
static void queue_broadcast(struct session *session, unsigned number)
{
	char text[TEXT_MAX];
	int size = snprintf(text, sizeof text,
						"{\"channel\":\"prices\",\"sequence\":%u,\"bid\":%u.%02u,\"ask\":%u.%02u,"
						"\"book\":\"%0*u\",\"venue\":\"XETR\"}",
						number, number % 500, number % 100, number % 500 + 1, number % 100,
						(int)(60 + number % 300), number);
	struct buffer *frame = buffer_add(&session->queue, (size_t)size + 4);

	frame->bytes[0] = WS_TEXT;
	frame->bytes[1] = WS_LENGTH16;
	frame->bytes[2] = (unsigned char)(size >> 8);
	frame->bytes[3] = (unsigned char)size;
	memcpy(frame->bytes + 4, text, (size_t)size);
}

static bool read_fully(int fd, void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = read(fd, (char *)to + done, size - done);

		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* Reads the upgrade request up to its empty line. */
static bool read_request(struct session *session)
{
	size_t size = 0;

	session->request = calloc(1, REQUEST_MAX);
	while (size < REQUEST_MAX - 1 && read_fully(session->fd, session->request + size, 1)) {
		size++;
		if (size >= 4 && !memcmp(session->request + size - 4, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

/* One frame of the client. False when the connection ended; *clean tells whether with a close
 * frame. */
static bool read_frame(struct session *session, bool *clean)
{
	unsigned char head[8]; /* opcode, 126 | mask bit, length, mask */
	struct buffer *event;
	size_t size;

	if (!read_fully(session->fd, head, sizeof head))
		return false;
	if (head[0] == WS_CLOSE) {
		*clean = true;
		return false;
	}
	size = (size_t)head[2] << 8 | head[3];
	event = buffer_add(&session->events, size);
	if (!read_fully(session->fd, event->bytes, size))
		return false;
	for (size_t i = 0; i < size; i++)
		event->bytes[i] ^= head[4 + i % 4];
	return true;
}

static void serve(int fd, unsigned number)
{
	static const char accepted[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
	struct session *session = calloc(1, sizeof *session);
	bool clean = false;

	session->fd = fd;
	if (read_request(session) && write(fd, accepted, sizeof accepted - 1) > 0) {
		for (unsigned i = 0; i < BROADCASTS; i++)
			queue_broadcast(session, number * BROADCASTS + i);
		while (read_frame(session, &clean))
			;
	}
	close(fd);
	if (!clean)
		return; /* fault 1: only on_close() frees a session, and without a close frame it never runs
				 */
	buffers_free(session->events);
	buffers_free(session->queue);
	free(session->request);
	free(session);
}

/* Fault 2. The kept blocks are what a cache of "recent export names" would hold. */
static void render_export(unsigned worker)
{
	static const char row[] = "2026-11-21;4711;blue chair;1;129.00;EUR;delivered;\n";
	char **pieces = calloc(EXPORT_PIECES, sizeof *pieces);

	for (unsigned i = 0; i < EXPORT_PIECES; i++) {
		size_t size = 1024 + (i * 2654435761u >> 8) % 7168;

		pieces[i] = malloc(size);
		for (size_t at = 0; at + sizeof row <= size; at += sizeof row - 1)
			memcpy(pieces[i] + at, row, sizeof row);
		if (i % 50 == 0) {
			char *kept = malloc(1500);

			snprintf(kept, 1500, "recent export %u of worker %u", i, worker);
		}
	}
	for (unsigned i = 0; i < EXPORT_PIECES; i++)
		free(pieces[i]);
	free(pieces);
}

struct worker {
	pthread_t thread;
	unsigned number;
	int listener;
	unsigned export_every; /* sessions */
	atomic_uint *served;   /* by all workers */
};

static void *run_worker(void *argument)
{
	struct worker *worker = argument;
	char name[16];

	snprintf(name, sizeof name, "io-worker-%u", worker->number);
	pthread_setname_np(pthread_self(), name);
	for (unsigned i = 0;; i++) {
		int fd = accept(worker->listener, NULL, NULL);

		if (fd < 0)
			continue;
		serve(fd, worker->number * 1000003 + i);
		if ((i + 1) % worker->export_every == 0)
			render_export(worker->number);
		atomic_fetch_add(worker->served, 1);
	}
	return NULL;
}

/* A client's frame: masked, as RFC 6455 5.3 asks of clients. */
static void send_event(int fd, unsigned number)
{
	char text[TEXT_MAX];
	unsigned char frame[TEXT_MAX + 8];
	size_t size = event_text(text, number);

	frame[0] = WS_TEXT;
	frame[1] = WS_MASKED | WS_LENGTH16;
	frame[2] = (unsigned char)(size >> 8);
	frame[3] = (unsigned char)size;
	for (unsigned i = 0; i < 4; i++)
		frame[4 + i] = (unsigned char)(number >> 8 * i | 1);
	for (size_t i = 0; i < size; i++)
		frame[8 + i] = (unsigned char)text[i] ^ frame[4 + i % 4];
	if (write(fd, frame, size + 8) < 0)
		perror("client");
}

static void run_client(const struct sockaddr_in *address, unsigned number)
{
	static const unsigned char closing[8] = { WS_CLOSE, WS_MASKED | WS_LENGTH16 };
	char text[REQUEST_MAX];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int size;

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address)) {
		perror("client: connect");
		_exit(1);
	}
	size =
		snprintf(text, sizeof text,
				 "GET %s HTTP/1.1\r\nHost: shop.example:8443\r\nUpgrade: websocket\r\n"
				 "Connection: Upgrade\r\nUser-Agent: shop-app/7.%u\r\nX-Request-Id: %08x\r\n\r\n",
				 paths[number % 3], number % 20, number * 2654435761u);
	if (write(fd, text, (size_t)size) < 0 || read(fd, text, sizeof text) < 0)
		perror("client");
	for (unsigned i = 0; i < EVENTS; i++)
		send_event(fd, number * EVENTS + i);
	if (number % 10 < 3 && write(fd, closing, sizeof closing) < 0)
		perror("client");
	close(fd);
}

/* The load: CLIENTS processes, so that none of it shares the server's heap. */
static void run_load(const struct sockaddr_in *address, unsigned connections)
{
	for (unsigned client = 0; client < CLIENTS; client++) {
		if (fork())
			continue;
		for (unsigned i = client; i < connections; i += CLIENTS)
			run_client(address, i);
		_exit(0);
	}
}

static int listen_on_loopback(struct sockaddr_in *address)
{
	socklen_t size = sizeof *address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)address, sizeof *address) || listen(fd, 128) ||
		getsockname(fd, (struct sockaddr *)address, &size)) {
		perror("leaky_server: 127.0.0.1");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	unsigned connections = argc > 1 ? (unsigned)atoi(argv[1]) : CONNECTIONS;
	static struct worker workers[WORKERS];
	static atomic_uint served;
	struct sockaddr_in address;
	int listener = listen_on_loopback(&address);
	char line[80];

	if (connections < WORKERS * EXPORTS)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	run_load(&address, connections);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .number = i,
									  .listener = listener,
									  .export_every = connections / WORKERS / EXPORTS,
									  .served = &served };
		if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]))
			return 1;
	}
	while (wait(NULL) > 0)
		;
	for (unsigned tenths = 0; served < connections && tenths < 100; tenths++)
		usleep(100000); /* the workers empty what the clients left in the sockets */
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		;
	return 0;
}
