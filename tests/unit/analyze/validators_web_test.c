#include "tests/unit/unit.h"

#include "base/strbuf.h"
#include "tests/support/proof.h"

#include <string.h>

#define BYTES PROOF_BYTES

/* ---- HTTP/2 (RFC 9113) ---- */

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS_OF(identifier) "\x00\x00\x06\x04\x00\x00\x00\x00\x00" identifier "\x00\x00\x00\x64"
#define SETTINGS "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
#define SETTINGS_ACK "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
#define WINDOW "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00"
#define PING "\x00\x00\x08\x06\x00\x00\x00\x00\x00pingping"
#define HEADERS "\x00\x00\x03\x01\x04\x00\x00\x00\x01\x82\x86\x84"
#define DATA "\x00\x00\x02\x00\x01\x00\x00\x00\x01ok"
#define GRPC "\x00\x00\x07\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x02\x08\x01"

static void http2_chains(void **state)
{
	(void)state;
	proof_extent("http2_frames", BYTES(PREFACE SETTINGS), 39);
	proof_extent("http2_frames", BYTES(PREFACE WINDOW),
				 0); /* SETTINGS must come first, or at all */
	proof_extent("http2_frames", BYTES(PREFACE), 0);
	proof_extent("http2_frames", BYTES(WINDOW HEADERS DATA), 13 + 12 + 11);
	proof_extent("http2_frames", BYTES(SETTINGS SETTINGS_ACK PING "rest"), 15 + 9 + 17);
	proof_extent("http2_frames", BYTES(SETTINGS_OF("\x0a\x0a") PING WINDOW),
				 15 + 17 + 13); /* GREASE */
	proof_extent("http2_frames", BYTES(SETTINGS_OF("\x00\x09") PING WINDOW), 15 + 17 + 13);
	proof_extent("http2_frames", BYTES(SETTINGS_OF("\x00\x00") PING WINDOW), 0);
	proof_extent("http2_frames", BYTES(SETTINGS_OF("\x00\x40") PING WINDOW), 0);
	proof_extent("http2_frames", BYTES(WINDOW HEADERS), 0);
	proof_extent("http2_frames", BYTES(WINDOW WINDOW WINDOW),
				 0); /* of one type: a table of numbers */
	proof_extent("http2_frames", BYTES(WINDOW HEADERS "\x00\x00\x03\x00\x01\x00\x00\x00\x01ok"), 0);
	proof_provides("http2_frames", BYTES(PREFACE SETTINGS WINDOW HEADERS DATA), "frames",
				   "SETTINGS+WINDOW_UPDATE+HEADERS+DATA");
	proof_provides("http2_frames", BYTES(WINDOW HEADERS GRPC GRPC), "frames",
				   "WINDOW_UPDATE+HEADERS+DATA(gRPC)");
}

/* Each frame of a long table of numbers starts a chain: none of them is walked to the end. */
static void http2_chains_of_one_type_end(void **state)
{
	static const unsigned windows[] = { 255, 256 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct strbuf chain = { 0 };

		for (unsigned frame = 0; frame < windows[i]; frame++)
			strbuf_add(&chain, WINDOW, sizeof WINDOW - 1);
		strbuf_add(&chain, PING, sizeof PING - 1);
		proof_extent("http2_frames", strbuf_span(&chain), i ? 0 : chain.size);
		strbuf_deinit(&chain);
	}
}

/* A third frame that breaks one of the rules of RFC 9113 6.1 to 6.10. */
static void http2_frames_that_cannot_be(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} broken[] = {
		{ "\x00\x00\x02\x00\x01\x00\x00\x00\x00ok", 11 }, /* DATA of stream 0 */
		{ "\x00\x00\x02\x00\x04\x00\x00\x00\x01ok", 11 }, /* a flag it does not have */
		{ "\x00\x00\x02\x00\x01\x80\x00\x00\x01ok", 11 }, /* the reserved bit */
		{ "\x00\x00\x02\x0a\x00\x00\x00\x00\x01ok", 11 }, /* no such type */
		{ "\x00\x00\x04\x08\x00\x00\x00\x00\x01\x00\x00\x00\x00", 13 }, /* a window that stays */
		{ "\x00\x00\x05\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00", 14 },
		{ "\x00\x00\x06\x04\x01\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", 15 },
		{ "\x00\x00\x06\x04\x00\x00\x00\x00\x01\x00\x03\x00\x00\x00\x64", 15 },
		{ "\x00\x00\x07\x06\x00\x00\x00\x00\x00pingpin", 16 },
		{ "\x00\x00\x03\x03\x00\x00\x00\x00\x01\x00\x00\x00", 12 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct strbuf chain = { 0 };

		strbuf_add(&chain, WINDOW HEADERS, sizeof WINDOW HEADERS - 1);
		strbuf_add(&chain, broken[i].bytes, broken[i].size);
		proof_extent("http2_frames", strbuf_span(&chain), 0);
		strbuf_deinit(&chain);
	}
}

/* ---- WebSocket (RFC 6455) ---- */

/* A frame of a client; 5.7 has "Hello" as 81 85 37 fa 21 3d 7f 9f 4d 51 58. */
static void add_masked(struct strbuf *out, uint8_t first, const char *payload)
{
	static const uint8_t key[] = { 0x37, 0xfa, 0x21, 0x3d };
	size_t size = strlen(payload);

	strbuf_putc(out, (char)first);
	if (size < 126) {
		strbuf_putc(out, (char)(0x80 | size));
	} else {
		strbuf_putc(out, (char)0xfe);
		strbuf_putc(out, (char)(size >> 8));
		strbuf_putc(out, (char)size);
	}
	strbuf_add(out, key, sizeof key);
	for (size_t i = 0; i < size; i++)
		strbuf_putc(out, (char)((uint8_t)payload[i] ^ key[i % 4]));
}

static void check_masked(uint8_t first, const char *payload, size_t wanted)
{
	struct strbuf frame = { 0 };

	add_masked(&frame, first, payload);
	strbuf_puts(&frame, "behind");
	proof_extent("websocket_masked", strbuf_span(&frame), wanted);
	strbuf_deinit(&frame);
}

static void masked_frames_carry_json(void **state)
{
	struct strbuf text = { 0 };

	(void)state;
	check_masked(0x81, "{\"a\":1}", 13);
	check_masked(0x81, "[1,2] \r\n", 14);
	check_masked(0x81, "{\"a\":1", 0);
	check_masked(0x81, "{\"a\":1}}", 0);
	check_masked(0x81, "Hello", 0);
	check_masked(0x82, "{\"a\":1}", 0);
	check_masked(0x01, "{\"a\":1}", 0);
	proof_extent("websocket_masked", BYTES("\x81\x07{\"a\":1}"), 0);
	proof_extent("websocket_masked", BYTES("\x81\xfe\x00\x07\0\0\0\0{\"a\":1}"), 0);
	strbuf_puts(&text, "[\"");
	strbuf_pad(&text, 'x', 200);
	strbuf_puts(&text, "\xc3\xbc\"]");
	check_masked(0x81, strbuf_text(&text), 8 + 206);
	strbuf_deinit(&text);
}

static void chains_of_one_side(void **state)
{
	struct strbuf chain = { 0 };

	(void)state;
	proof_extent("websocket_chain",
				 BYTES("\x81\x0ahello, you\x89\x00\x81\x0f"
					   "and you as well"),
				 31);
	proof_extent("websocket_chain",
				 BYTES("\x81\x0ahello, you\x81\x0f"
					   "and you as well"),
				 0);
	proof_extent("websocket_chain",
				 BYTES("\x81\x01"
					   "a\x81\x01"
					   "b\x81\x01"
					   "c\x81\x01"
					   "d"),
				 0); /* little text */
	proof_extent("websocket_chain",
				 BYTES("\x81\x0ahello,\0you\x89\x00\x81\x0f"
					   "and you as well"),
				 0);
	add_masked(&chain, 0x81, "SEND 17 of something");
	add_masked(&chain, 0x8a, "");
	add_masked(&chain, 0x81, "more of it");
	proof_extent("websocket_chain", strbuf_span(&chain), chain.size);
	proof_provides("websocket_chain", strbuf_span(&chain), "sender", "client");
	strbuf_add(&chain, "\x81\x02ok", 4); /* of the server: another chain */
	proof_extent("websocket_chain", strbuf_span(&chain), chain.size - 4);
	strbuf_deinit(&chain);
}

/* ---- STOMP 1.2 ---- */

#define MESSAGE "MESSAGE\nsubscription:0\ndestination:/topic/a\n"

static void stomp_frames(void **state)
{
	(void)state;
	proof_extent("stomp_frame", BYTES(MESSAGE "\nhello\0\n"), 51);
	proof_extent("stomp_frame", BYTES(MESSAGE "content-length:3\n\na\0c\0\n"), 66);
	proof_extent("stomp_frame", BYTES(MESSAGE "content-length:2\n\na\0c\0\n"), 0);
	proof_extent("stomp_frame", BYTES(MESSAGE "\nhello"), 0);
	proof_extent("stomp_frame", BYTES(MESSAGE "no colon\n\nhello\0"), 0);
	proof_extent("stomp_frame", BYTES("MESSAGE\nsubscription:0\n\nhello\0"), 0);
	proof_extent("stomp_frame", BYTES("NOTHING\ndestination:x\n\nhello\0"), 0);
	proof_extent("stomp_frame", BYTES("CONNECT\r\naccept-version:1.2\r\n\r\n\0"), 32);
	proof_provides("stomp_frame", BYTES(MESSAGE "\nhello\0\n"), "destination", "/topic/a");
	proof_provides("stomp_frame", BYTES("CONNECTED\nversion:1.2\n\n\0"), "destination",
				   "CONNECTED");
}

/* ---- server-sent events ---- */

static void sse_events(void **state)
{
	(void)state;
	proof_extent("sse_event", BYTES("data: {\"a\":1}\n\n"), 15);
	proof_extent("sse_event", BYTES("data: {\"a\":1}\n\ndata: [DONE]\n\n: ping\n\n"), 29);
	proof_extent("sse_event", BYTES("id: 1\ndata: [1]\nretry: 5\n\nrest"), 26);
	proof_extent("sse_event", BYTES("data: {\"a\":1} x\n\n"), 0);
	proof_extent("sse_event", BYTES("data: {\"a\":1}\n"), 0);
	proof_extent("sse_event", BYTES("data: {\"a\":1}\nother: 1\n\n"), 0);
	proof_extent("sse_event", BYTES("event: x\n\n"), 0);
	proof_provides("sse_event", BYTES("event: tick\ndata: [1]\n\n"), "event", "tick");
	proof_provides("sse_event", BYTES("data: {\"a\":1,\"b\":2}\r\n\r\n"), "event", "a,b");
}

/* ---- multipart/form-data ---- */

#define PART "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"

static void multipart_parts(void **state)
{
	(void)state;
	proof_extent("multipart_part", BYTES(PART "body\r\n--b--"), 55);
	proof_extent("multipart_part", BYTES(PART "--b--"),
				 49); /* no line end of its own: an empty body */
	proof_extent("multipart_part", BYTES(PART "x--by\r\n--b\r\n"), 56);
	proof_extent("multipart_part", BYTES(PART "body"), 49);
	proof_extent("multipart_part", BYTES(PART), 49);
	proof_extent("multipart_part", BYTES("--b\r\nContent-Disposition: x\r\n"), 0);
	proof_extent("multipart_part", BYTES("--b\r\nContent-Disposition: \x01\r\n\r\n"), 0);
}

/* ---- XML, SOAP, HTML ---- */

static void xml_documents(void **state)
{
	static const struct {
		const char *text;
		size_t extent;
	} cases[] = {
		{ "<?xml version='1.0'?><a/>rest", 25 },
		{ "<a><b x='>'>t</b><!-- <c> --><![CDATA[<d>]]></a> ", 48 },
		{ "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", 40 },
		{ "<!DOCTYPE a SYSTEM 'u'><a></a>", 30 },
		{ "<a><b></a></b>", 6 },
		{ "<a><b", 3 },
		{ "<a b=<c>", 0 },
		{ "<a>\x01</a>", 3 },
		{ "text<a/>", 0 },
		{ "</a>", 0 },
		{ "<1a/>", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		proof_extent("xml_document", span_string(cases[i].text), cases[i].extent);
	proof_provides("xml_document", BYTES("<p:feed></p:feed>"), "root", "feed");
}

static void xml_depth_is_bounded(void **state)
{
	struct strbuf text = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		strbuf_puts(&text, "<a>");
	proof_extent("xml_document", strbuf_span(&text), 3 * 64);
	strbuf_deinit(&text);
}

static void soap_operations(void **state)
{
	(void)state;
	proof_provides("soap_envelope",
				   BYTES("<s:Envelope><s:Header><x/></s:Header><s:Body><m:Get><i/></m:Get>"),
				   "operation", "Get");
	proof_extent("soap_envelope", BYTES("<s:Envelope><s:Body></s:Body></s:Envelope>"), 0);
	proof_extent("soap_envelope", BYTES("<s:Other><s:Body><a/></s:Body></s:Other>"), 0);
}

static void html_documents(void **state)
{
	(void)state;
	proof_extent("html_document", BYTES("<!DOCTYPE html><HTML></HTML>rest"), 28);
	proof_extent("html_document", BYTES("<!DOCTYPE html><body>a\0b"), 22);
	proof_extent("html_document", BYTES("<!DOCTYPE html><p>a"), 0);
	proof_extent("html_document", BYTES("<!DOCTYPE html>\0<html>"), 0);
	proof_provides("html_document", BYTES("<!DOCTYPE html><title>A b</title>"), "title", "A b");
}

/* ---- all of them ---- */

static const struct {
	const char *name, *bytes;
	size_t size;
} seeds[] = {
#define SEED(name, bytes)             \
	{                                 \
		name, bytes, sizeof bytes - 1 \
	}
	SEED("http2_frames", PREFACE SETTINGS SETTINGS_ACK WINDOW HEADERS GRPC),
	SEED("http2_frames", WINDOW PING HEADERS DATA),
	SEED("websocket_masked", "\x81\x87\x00\x00\x00\x00{\"a\":1}"),
	SEED("websocket_chain", "\x81\x0ahello, you\x89\x00\x81\x0f"
							"and you as well"),
	SEED("stomp_frame", MESSAGE "content-length:3\n\na\0c\0\n"),
	SEED("sse_event", "event: tick\nid: 1\ndata: {\"a\":1}\n\n: ping\ndata: x\n\n"),
	SEED("multipart_part", PART "body\r\n--b--"),
	SEED("xml_document", "<?xml version='1.0'?><a><b x='>'>t</b><!-- <c> --></a>"),
	SEED("soap_envelope", "<s:Envelope><s:Body><m:Get><i/></m:Get></s:Body></s:Envelope>"),
	SEED("html_document", "<!DOCTYPE html><head><title>A</title></head></html>"),
};

static void mutations_never_prove_more_than_there_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
		proof_damage(seeds[i].name, span_make(seeds[i].bytes, seeds[i].size));
}

/* What the patterns let through is mostly noise. */
static void noise_is_refused(void **state)
{
	(void)state;
	assert_int_equal(proof_noise("websocket_masked", BYTES("\x81\x90"), 100000), 0);
	assert_int_equal(proof_noise("websocket_chain", BYTES("\x81"), 100000), 0);
	assert_int_equal(proof_noise("http2_frames", BYTES("\x00\x00\x04\x08\x00"), 100000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http2_chains),
		cmocka_unit_test(http2_chains_of_one_type_end),
		cmocka_unit_test(http2_frames_that_cannot_be),
		cmocka_unit_test(masked_frames_carry_json),
		cmocka_unit_test(chains_of_one_side),
		cmocka_unit_test(stomp_frames),
		cmocka_unit_test(sse_events),
		cmocka_unit_test(multipart_parts),
		cmocka_unit_test(xml_documents),
		cmocka_unit_test(xml_depth_is_bounded),
		cmocka_unit_test(soap_operations),
		cmocka_unit_test(html_documents),
		cmocka_unit_test(mutations_never_prove_more_than_there_is),
		cmocka_unit_test(noise_is_refused),
	};

	return cmocka_run_group_tests_name("validators_web", tests, NULL, NULL);
}
