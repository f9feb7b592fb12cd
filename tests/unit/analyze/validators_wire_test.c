#include "tests/unit/unit.h"

#include "analyze/validators/validators.h"
#include "base/strbuf.h"
#include "tests/support/proof.h"

#include <string.h>

#define BYTES PROOF_BYTES

/* kafka-python 2.0.2: three records, not compressed. */
static const char kafka_plain[] =
	"00000000000000000000006d00000000022283e5ea0000000000020000018f3398c1000000018f3398c102ff"
	"ffffffffffffffffffffffffff0000000326000000046b30167b226f72646572223a307d0026000202046b31"
	"167b226f72646572223a317d0026000404046b32167b226f72646572223a327d00";

/* kafka-python 2.0.2: eight records, gzip. */
static const char kafka_gzip[] =
	"000000000000000000000099000000000286b11c920001000000070000018f3398c1000000018f3398c107ff"
	"ffffffffffffffffffffffffff000000081f8b0800a3ac096b02ff45c83b0ac0201005c0451e222296398085"
	"b51a3f90f324d51681b421770f5bed949389085cb637ddcf793de9281f6532065cf5aa1c006e7a4dce5af0ae"
	"b7cb3907ee7a5dce7bf0d01b722180a7de948b11bcf4d6473fc180a4d4a0000000";

/* pymongo 3.11: find on a collection. */
static const char mongo_find[] =
	"6000000091876a1e00000000dd07000000000000004b0000000266696e6400070000006f7264657273000366"
	"696c746572001400000002737461746500040000006e65770000106c696d6974000700000002246462000500"
	"000073686f700000";

/* pymongo 3.11: insert of two documents. */
static const char mongo_insert[] =
	"7e00000051a38b7100000000dd07000000000000003000000002696e7365727400070000006f726465727300"
	"086f726465726564000102246462000500000073686f7000000138000000646f63756d656e74730017000000"
	"106e000100000001640000000000000004400013000000106e0002000000087400010a780000";

/* Thrift 0.17 for Python: a call with a map of lists. */
static const char thrift_call[] =
	"80010001000000124f72646572536572766963653a706c616365000000070a000100000000000000110d0002"
	"0b0f00000001000000016b0800000002000000010000000200";

/* pika 1.2: publish, header and body. */
static const char amqp_publish[] =
	"01000100000014003c00280000066f7264657273056e65772e3700ce02000100000019003c00000000000000"
	"00000580000a746578742f706c61696ece0300010000000568656c6c6fce";

/* pika 1.2: a delivery. */
static const char amqp_deliver[] =
	"0100020000001e003c003c0763746167312e30000000000000000900000771756575652d37ce";

/* mosquitto_pub 2.0.11 -V mqttv5, with a will, user and password. */
static const char mqtt_v5[] =
	"102800044d51545405c6003c03210014000674696c6c2d37000001770003627965000473686f70000178";

/* redis-cli 7.0.15. */
static const char redis_set[] =
	"2a330d0a24330d0a5345540d0a24360d0a757365723a370d0a2431300d0a736f6d652076616c75650d0a";

/* PostgreSQL 15, "Message Formats": RowDescription of id int4 and name text, two DataRows,
 * CommandComplete, ReadyForQuery. */
static const char postgres[] = "54000000320002696400000040010001000000170004ffffffff0000"
							   "6e616d6500000040010002000000190000ffffffff0000"
							   "440000001100020000000137000000026f6b"
							   "440000000f0002000000013affffffff"
							   "430000000d53454c454354203200"
							   "5a0000000549";

/* "Protocol::ColumnDefinition41": two columns of shop.orders, then an EOF packet. */
static const char mysql[] = "250000020364656604"
							"73686f70"
							"016f"
							"066f7264657273"
							"026964"
							"026964"
							"0c3f000b000000030342000000"
							"290000030364656604"
							"73686f70"
							"016f"
							"066f7264657273"
							"046e616d65"
							"046e616d65"
							"0c2d00fc030000fd0000000000"
							"05000004fe00002200";

static void check(const char *name, struct span bytes, size_t wanted)
{
	struct match match;
	size_t extent = proof_run(name, bytes, &match);

	if (extent != wanted)
		fail_msg("%s: %zu, not %zu: %.*s", name, extent, wanted, (int)bytes.size,
				 (const char *)bytes.data);
}

/* The bytes, and something behind them, are proven up to `wanted` and provide the capture. */
static void check_hex(const char *name, const char *hex, size_t wanted, const char *capture,
					  const char *text)
{
	struct strbuf bytes = proof_hex(hex);
	struct match match;
	size_t extent;

	strbuf_puts(&bytes, "behind");
	extent = proof_run(name, strbuf_span(&bytes), &match);
	if (extent != wanted)
		fail_msg("%s: %zu, not %zu", name, extent, wanted);
	proof_capture(&match, capture, text);
	strbuf_deinit(&bytes);
}

/* Whole, it is proven; with one byte set to another value it is not. */
static void check_broken(const char *name, const char *hex, size_t at, uint8_t byte)
{
	struct strbuf bytes = proof_hex(hex);

	assert_true(bytes.size > at);
	assert_true((uint8_t)bytes.data[at] != byte);
	bytes.data[at] = (char)byte;
	check(name, strbuf_span(&bytes), 0);
	strbuf_deinit(&bytes);
}

static size_t size_of(const char *hex)
{
	return strlen(hex) / 2;
}

static void kafka_batches(void **state)
{
	(void)state;
	check_hex("kafka_batch", kafka_plain, size_of(kafka_plain), "codec", "none");
	check_hex("kafka_batch", kafka_gzip, size_of(kafka_gzip), "codec", "gzip");
	check_broken("kafka_batch", kafka_plain, 16, 1);    /* magic */
	check_broken("kafka_batch", kafka_plain, 11, 0x6c); /* length */
	check_broken("kafka_batch", kafka_plain, 17, 0x23); /* checksum */
	check_broken("kafka_batch", kafka_plain, 70, 0x31); /* a record */
}

static void amqp_messages(void **state)
{
	(void)state;
	check_hex("amqp_message", amqp_publish, size_of(amqp_publish), "route", "orders/new.7");
	check_hex("amqp_message", amqp_deliver, size_of(amqp_deliver), "route", "(default)/queue-7");
	check_broken("amqp_message", amqp_deliver, 37, 0xcd); /* the end octet */
	check_broken("amqp_message", amqp_deliver, 10, 0x1e); /* another method */
	check_broken("amqp_message", amqp_deliver, 11, 6);    /* a shorter tag */
	check_broken("amqp_message", amqp_deliver, 2, 0);     /* channel 0 carries no messages */
}

static void mqtt_connects(void **state)
{
	(void)state;
	check_hex("mqtt_connect", mqtt_v5, size_of(mqtt_v5), "version", "5.0");
	check_broken("mqtt_connect", mqtt_v5, 1, 0x27); /* length */
	check_broken("mqtt_connect", mqtt_v5, 8, 6);    /* level */
	check_broken("mqtt_connect", mqtt_v5, 9, 0xc7); /* the reserved flag */
	check_broken("mqtt_connect", mqtt_v5, 9, 0xde); /* QoS 3 */
	check_broken("mqtt_connect", mqtt_v5, 9, 0x46); /* no user name: a field is left */
	check("mqtt_connect",
		  BYTES("\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x05\x00\x02"
				"c1"),
		  0);
	check("mqtt_connect",
		  BYTES("\x10\x10\x00\x06MQIsdp\x03\x02\x00\x05\x00\x02"
				"c1"),
		  18);
	check("mqtt_connect",
		  BYTES("\x10\x80\x80\x80\x80\x01\x00\x04MQTT\x04\x02\x00\x05\x00\x02"
				"c1"),
		  0);
}

static void line_messages(void **state)
{
	(void)state;
	check("nats_message", BYTES("PUB a.b 5\r\nhello\r\nPING"), 18);
	check("nats_message", BYTES("MSG a.b 9 reply 0\r\n\r\n"), 21);
	check("nats_message", BYTES("PUB a.b 4\r\nhello\r\n"), 0);
	check("nats_message", BYTES("PUB a.b x\r\nhello\r\n"), 0);
	check("nats_message", BYTES("PUB a.b 99999999999999999\r\nhello\r\n"), 0);
	check("memcached_value", BYTES("VALUE k 0 5\r\nhello\r\nEND\r\nrest"), 25);
	check("memcached_value", BYTES("VALUE k 0 5 9\r\nhello\r\nVALUE "), 22);
	check("memcached_value", BYTES("VALUE k 0 5\r\nhello\r\nrest"), 0);
	check("memcached_value", BYTES("VALUE k x 5\r\nhello\r\nEND\r\n"), 0);
	check("memcached_value", BYTES("VALUE k 0\r\n\r\nEND\r\n"), 0);
}

static void resp_arrays(void **state)
{
	(void)state;
	check_hex("resp_array", redis_set, size_of(redis_set), "command", "SET");
	check("resp_array", BYTES("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$900\r\nxxx"), 20);
	check("resp_array", BYTES("*3\r\n$3\r\nset\r\n$900\r\nxxx"), 0);
	check("resp_array", BYTES("*3\r\n$3\r\nabc\r\n$1\r\nk\r\n$900\r\nxxx"), 0);
	check("resp_array", BYTES("*1\r\n$4\r\nPING\r\n"), 14);
	check("resp_array", BYTES("*1\r\n$3\r\nPING\r\n"), 0);
	check("resp_array", BYTES("*0\r\n"), 0);
	check("resp_array", BYTES("*-1\r\n"), 0);
	check_hex("resp_array", "2a310d0a24360d0a7365637265740d0a", 16, "command", "answer");
}

static void mysql_results(void **state)
{
	struct strbuf bytes = proof_hex(mysql);

	(void)state;
	check_hex("mysql_columns", mysql, 41 + 45, "table", "shop.orders");
	check_broken("mysql_columns", mysql, 0, 0x26);  /* length */
	check_broken("mysql_columns", mysql, 28, 0x0d); /* of the fixed fields */
	check_broken("mysql_columns", mysql, 40, 1);    /* filler */
	check_broken("mysql_columns", mysql, 14, 1);    /* a control byte in a name */
	bytes.data[41 + 3] = 5;                         /* not the next number: another result's */
	check("mysql_columns", strbuf_span(&bytes), 41);
	strbuf_deinit(&bytes);
}

static void postgres_results(void **state)
{
	(void)state;
	check_hex("postgres_result", postgres, size_of(postgres), "columns", "id,name");
	check_broken("postgres_result", postgres, 4, 0x31); /* length */
	check_broken("postgres_result", postgres, 6, 3);    /* columns */
	check_broken("postgres_result", postgres, 7, 1);    /* a control byte in a name */
	/* a byte too many in the message */
	check("postgres_result",
		  BYTES("T\0\0\0\x1b\0\1"
				"a\0"
				"\0\0\0\0"
				"\0\0"
				"\0\0\0\x17"
				"\0\4"
				"\xff\xff\xff\xff"
				"\0\0"
				"\0"),
		  0);
}

static void postgres_errors(void **state)
{
	static const char good[] = "E\x00\x00\x00\x21SERROR\0VERROR\0C23505\0Md\0L171\0";

	(void)state;
	check("postgres_error", BYTES("E\x00\x00\x00\x22SERROR\0VERROR\0C23505\0Md\0L171\0\0rest"), 35);
	check("postgres_error", BYTES(good), 0); /* without the NUL at the end */
	check("postgres_error", BYTES("E\x00\x00\x00\x22SERROR\0VERROR\0C2350\0\0Md\0L171\0\0"), 0);
	check("postgres_error", BYTES("E\x00\x00\x00\x22SERROR\0VERROR\0D23505\0Md\0L171\0\0"), 0);
	check("postgres_error", BYTES("F\x00\x00\x00\x22SERROR\0VERROR\0C23505\0Md\0L171\0\0"), 0);
}

static void mongodb_messages(void **state)
{
	(void)state;
	check_hex("mongodb_message", mongo_find, size_of(mongo_find), "command", "find orders");
	check_hex("mongodb_message", mongo_insert, size_of(mongo_insert), "command", "insert orders");
	check_broken("mongodb_message", mongo_find, 0, 0x5f);  /* the message's length */
	check_broken("mongodb_message", mongo_find, 21, 0x4a); /* the document's */
	check_broken("mongodb_message", mongo_find, 25, 0x21); /* a type that is none */
	check_broken("mongodb_message", mongo_find, 20, 2);    /* a kind that is none */
	check_broken("mongodb_message", mongo_insert, 69, 2);  /* in the second section */
	/* a byte behind the document's end, within its length */
	check("mongodb_message",
		  BYTES("\x27\0\0\0"
				"\1\0\0\0"
				"\0\0\0\0"
				"\xdd\7\0\0"
				"\0\0\0\0"
				"\0"
				"\x12\0\0\0"
				"\1ok\0"
				"\0\0\0\0\0\0\xf0\x3f"
				"\0\0"),
		  0);
}

static void thrift_messages(void **state)
{
	struct strbuf deep = { 0 };

	(void)state;
	check_hex("thrift_message", thrift_call, size_of(thrift_call), "method", "OrderService:place");
	check_broken("thrift_message", thrift_call, 3, 5);     /* kind */
	check_broken("thrift_message", thrift_call, 30, 5);    /* type */
	check_broken("thrift_message", thrift_call, 9, '\n');  /* name */
	check_broken("thrift_message", thrift_call, 47, 0x7f); /* more entries than bytes */
	strbuf_add(&deep,
			   "\x80\x01\x00\x01\x00\x00\x00\x01"
			   "a\x00\x00\x00\x01",
			   13);
	for (int i = 0; i < 1000; i++)
		strbuf_add(&deep, "\x0c\x00\x01", 3);
	for (int i = 0; i < 1001; i++)
		strbuf_putc(&deep, 0);
	check("thrift_message", strbuf_span(&deep), 0);
	strbuf_deinit(&deep);
}

#define METRIC "# HELP a_b Text.\n# TYPE a_b counter\n"

static void prometheus_metrics(void **state)
{
	(void)state;
	check("prometheus_metric", BYTES(METRIC "a_b{x=\"1\"} 1\na_b_total 2\nother 3\n"), 61);
	check("prometheus_metric", BYTES(METRIC), 36);
	check("prometheus_metric", BYTES("# HELP a Text.\n# TYPE b counter\n"), 0);
	check("prometheus_metric", BYTES("# HELP a Text.\n# TYPE a number\n"), 0);
	check("prometheus_metric", BYTES("# HELP a Te\x01xt.\n# TYPE a gauge\n"), 0);
}

static const struct {
	const char *name, *hex;
} seeds[] = {
	{ "kafka_batch", kafka_plain },    { "kafka_batch", kafka_gzip },
	{ "amqp_message", amqp_publish },  { "amqp_message", amqp_deliver },
	{ "mqtt_connect", mqtt_v5 },       { "resp_array", redis_set },
	{ "mysql_columns", mysql },        { "postgres_result", postgres },
	{ "mongodb_message", mongo_find }, { "mongodb_message", mongo_insert },
	{ "thrift_message", thrift_call },
};

static const struct {
	const char *name, *text;
	size_t size;
} text_seeds[] = {
#define SEED(name, text)            \
	{                               \
		name, text, sizeof text - 1 \
	}
	SEED("nats_message", "MSG a.b 9 reply 5\r\nhello\r\n"),
	SEED("memcached_value", "VALUE k 0 5\r\nhello\r\nEND\r\n"),
	SEED("postgres_error", "E\x00\x00\x00\x22SERROR\0VERROR\0C23505\0Md\0L171\0\0"),
	SEED("prometheus_metric", METRIC "a_b{x=\"1\"} 1\na_b_total 2\n"),
};

static void mutations_never_prove_more_than_there_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		struct strbuf bytes = proof_hex(seeds[i].hex);

		proof_damage(seeds[i].name, strbuf_span(&bytes));
		strbuf_deinit(&bytes);
	}
	for (size_t i = 0; i < sizeof text_seeds / sizeof *text_seeds; i++)
		proof_damage(text_seeds[i].name, span_make(text_seeds[i].text, text_seeds[i].size));
}

/* What the patterns let through is mostly noise. */
static void noise_is_refused(void **state)
{
	static const struct {
		const char *name, *start;
	} cases[] = {
		{ "kafka_batch", "000000000000000000000080000000000212345678000000000000" },
		{ "amqp_message", "01000100000014003c0028" },
		{ "mqtt_connect", "102000044d51545404" },
		{ "mysql_columns", "2800000103646566" },
		{ "postgres_result", "54000000320002696400000040010001000000170004" },
		{ "mongodb_message", "800000000000000000000000dd0700000000000000" },
		{ "thrift_message", "80010001000000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strbuf start = proof_hex(cases[i].start);
		size_t accepted = proof_noise(cases[i].name, strbuf_span(&start), 100000);

		strbuf_deinit(&start);
		if (accepted > 0)
			fail_msg("%s: %zu of 100000", cases[i].name, accepted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kafka_batches),
		cmocka_unit_test(amqp_messages),
		cmocka_unit_test(mqtt_connects),
		cmocka_unit_test(line_messages),
		cmocka_unit_test(resp_arrays),
		cmocka_unit_test(mysql_results),
		cmocka_unit_test(postgres_results),
		cmocka_unit_test(postgres_errors),
		cmocka_unit_test(mongodb_messages),
		cmocka_unit_test(thrift_messages),
		cmocka_unit_test(prometheus_metrics),
		cmocka_unit_test(mutations_never_prove_more_than_there_is),
		cmocka_unit_test(noise_is_refused),
	};

	return cmocka_run_group_tests_name("validators_wire", tests, NULL, NULL);
}
