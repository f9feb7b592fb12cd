/* content_target: a process whose heap looks like that of a server, so that keywords of rules occur
 * as they do in real ones: requests and responses, JSON, log lines, SQL, archives and classes half
 * read, images, compressed bytes, objects with pointers, words, and what was never written.
 *
 * usage: content_target MEGABYTES THREADS
 *
 * Each thread fills its share with malloc chunks of 24 B to 64 KB, nine in ten below 1 KB, and
 * frees one in eight. The same bytes every time. Prints READY when the memory is there. Lives until
 * stdin ends. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 64 };

struct filler {
	pthread_t thread;
	pthread_barrier_t *filled;
	uint64_t random;
	size_t bytes;
};

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* Lines of a kind, one after another; '#' becomes a digit and '@' a letter, fresh each time. */
static void fill_lines(char *to, size_t size, uint64_t *random, const char *const *lines,
					   size_t count)
{
	const char *at = lines[next_random(random) % count];
	uint64_t fresh = next_random(random);

	for (size_t i = 0; i < size; i++, at++) {
		if (!*at)
			at = lines[next_random(random) % count];
		if (*at == '#' || *at == '@') {
			to[i] = (char)(*at == '#' ? '0' + fresh % 10 : 'a' + fresh % 26);
			fresh = fresh < 1000 ? next_random(random) : fresh / 26;
		} else {
			to[i] = *at;
		}
	}
}

static void fill_http(char *to, size_t size, uint64_t *random)
{
	static const char *const lines[] = {
		"GET /api/v2/orders/####?page=# HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: "
		"curl/7.88.1\r\nAccept: */*\r\nX-Request-Id: @@@@@@@@\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\nDate: Mon, ## "
		"Jan 2026 ##:##:## GMT\r\n\r\n{\"id\":####,\"name\":\"@@@@@@\"}",
		"POST /api/v2/baskets HTTP/1.1\r\nHost: shop.example\r\nContent-Type: "
		"application/json\r\nContent-Length: 20\r\n\r\n{\"sku\":\"@@@@@@-####\"}",
		"HTTP/1.1 304 Not Modified\r\nServer: nginx/1.22.1\r\nETag: W/\"@@@@####\"\r\n\r\n",
	};

	fill_lines(to, size, random, lines, sizeof lines / sizeof *lines);
}

static void fill_json(char *to, size_t size, uint64_t *random)
{
	static const char *const lines[] = {
		"{\"id\":######,\"type\":\"order\",\"customer\":{\"name\":\"@@@@@@ "
		"@@@@@@@\",\"tags\":[\"a\","
		"\"b\"]},\"total\":##.##}",
		"[{\"sku\":\"@@@-####\",\"count\":#},{\"sku\":\"@@@-####\",\"count\":#}]",
		"42[\"order:update\",{\"id\":####}]",
		"{\"level\":\"info\",\"ts\":16########,\"msg\":\"@@@@ "
		"@@@@@@\",\"trace_id\":\"@@@@@@@@\"}\n",
	};

	fill_lines(to, size, random, lines, sizeof lines / sizeof *lines);
}

static void fill_logs(char *to, size_t size, uint64_t *random)
{
	static const char *const lines[] = {
		"2026-01-## ##:##:##,### INFO  [http-nio-8080-exec-#] com.acme.shop.OrderService - order "
		"#### of @@@@@@ stored in ## ms\n",
		"2026-01-##T##:##:##.###Z  WARN 1 --- [main] o.s.b.a.@@@@@@@@@@ : slow call, ### ms\n",
		"10.0.#.## - - [##/Jan/2026:##:##:## +0000] \"GET /static/@@@@@@.js HTTP/1.1\" 200 #### "
		"\"-\" \"Mozilla/5.0\"\n",
		"Jan ## ##:##:## host-# sshd[####]: Connection closed by 10.0.0.## port #####\n",
		"java.lang.IllegalStateException: @@@@@@ was closed\n\tat "
		"com.acme.shop.@@@@@@@.close(@@@@@@@.java:###)\n\tat "
		"java.lang.Thread.run(Thread.java:750)\n",
	};

	fill_lines(to, size, random, lines, sizeof lines / sizeof *lines);
}

static void fill_sql(char *to, size_t size, uint64_t *random)
{
	static const char *const lines[] = {
		"SELECT o.id, o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE "
		"o.id = ###### AND o.state = '@@@@'",
		"INSERT INTO audit_log (ts, who, what) VALUES ('2026-01-## ##:##:##', '@@@@@@', '@@@@@')",
		"UPDATE baskets SET count = count + 1 WHERE id = ######",
		"*3\r\n$3\r\nSET\r\n$12\r\nsession:####\r\n$8\r\n@@@@@@@@\r\n",
	};

	fill_lines(to, size, random, lines, sizeof lines / sizeof *lines);
}

static void fill_words(char *to, size_t size, uint64_t *random)
{
	static const char *const lines[] = {
		"customer=4711 status=shipped item=\"blue chair\" note=none; @@@@@@@@ ",
		"com/acme/shop/@@@@@@/@@@@@@@@ java/lang/String org/springframework/@@@@@@@ ",
		"<div class=\"@@@@\"><a href=\"https://shop.example/@@@@@@/####\">@@@@@@</a></div> ",
	};

	fill_lines(to, size, random, lines, sizeof lines / sizeof *lines);
}

static void fill_random(char *to, size_t size, uint64_t *random)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++, word >>= 8) {
		if (i % 8 == 0)
			word = next_random(random);
		to[i] = (char)word;
	}
}

/* Random bytes behind the first ones of a format. */
static void fill_formats(char *to, size_t size, uint64_t *random)
{
	static const struct {
		const char *bytes;
		size_t size;
	} heads[] = {
		{ "PK\x03\x04\x14\0\0\x08\x08\0\0\0!X\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\0\0com/a/B.cl", 40 },
		{ "PK\x01\x02\x14\0\x14\0\0\x08\x08\0\0\0!X", 16 },
		{ "\xca\xfe\xba\xbe\0\0\0\x34\0\x40\x0a\0\x0b\0\x1f", 15 },
		{ "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10 },
		{ "\x78\x9c\xed\x7d", 4 },
		{ "\x28\xb5\x2f\xfd\x64", 5 },
		{ "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16 },
		{ "\x16\x03\x03\0\x40\x01\0\0\x3c\x03\x03", 11 },
		{ "\x7f"
		  "ELF\x02\x01\x01\0",
		  8 },
		{ "SQLite format 3\0\x10\0", 18 },
		{ "-----BEGIN CERTIFICATE-----\nMIIB", 32 },
		{ "Manifest-Version: 1.0\r\nCreated-By: ", 35 },
	};
	size_t head = next_random(random) % (sizeof heads / sizeof *heads);

	fill_random(to, size, random);
	memcpy(to, heads[head].bytes, heads[head].size < size ? heads[head].size : size);
}

/* Pointers into the heap, small numbers and zeros. */
static void fill_objects(char *to, size_t size, uint64_t *random)
{
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t dice = next_random(random), word = 0;

		if (dice % 4 < 2)
			word = (uint64_t)(uintptr_t)to + (dice >> 8) % 65536 * 16;
		else if (dice % 4 == 2)
			word = (dice >> 8) % 1000;
		memcpy(to + i, &word, 8);
	}
}

static void fill_nothing(char *to, size_t size, uint64_t *random)
{
	(void)random;
	memset(to, 0, size);
}

/* Shares of the chunks, in percent. */
static const struct {
	unsigned share;
	void (*fill)(char *to, size_t size, uint64_t *random);
} kinds[] = {
	{ 30, fill_objects }, { 20, fill_words },  { 9, fill_json },
	{ 8, fill_http },     { 8, fill_logs },    { 5, fill_sql },
	{ 5, fill_random },   { 5, fill_formats }, { 10, fill_nothing },
};

static void fill_chunk(char *to, size_t size, uint64_t *random)
{
	unsigned dice = (unsigned)(next_random(random) % 100);
	size_t kind = 0;

	for (; dice >= kinds[kind].share; kind++)
		dice -= kinds[kind].share;
	kinds[kind].fill(to, size, random);
}

static void *run_filler(void *argument)
{
	struct filler *filler = argument;
	size_t capacity = filler->bytes / 256, count = 0;
	char **freed = calloc(capacity, sizeof *freed);

	for (size_t done = 0; done < filler->bytes;) {
		uint64_t dice = next_random(&filler->random);
		size_t size = dice % 10 ? 24 + (dice >> 8) % 1000 : 1024 + (dice >> 8) % (63 * 1024);
		char *chunk = malloc(size);

		if (!chunk || !freed)
			return NULL;
		fill_chunk(chunk, size, &filler->random);
		done += size + 16;
		if (next_random(&filler->random) % 8 == 0 && count < capacity)
			freed[count++] = chunk;
	}
	while (count > 0)
		free(freed[--count]);
	free(freed);
	pthread_barrier_wait(filler->filled);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct filler fillers[MAX_THREADS];
	size_t megabytes = argc > 1 ? (size_t)atol(argv[1]) : 64;
	size_t threads = argc > 2 ? (size_t)atol(argv[2]) : 4;
	pthread_barrier_t filled;
	char line[80];

	if (threads < 1 || threads > MAX_THREADS)
		return 2;
	pthread_barrier_init(&filled, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++) {
		fillers[i] = (struct filler){ .filled = &filled, .random = 88172645463325252 + i };
		fillers[i].bytes = (megabytes << 20) / threads;
		if (pthread_create(&fillers[i].thread, NULL, run_filler, &fillers[i]))
			return 1;
	}
	pthread_barrier_wait(&filled);
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		;
	return 0;
}
