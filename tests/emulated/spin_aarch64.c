/* spin_aarch64: one thread that computes with every register and notices where one changed, while a
 * timer's signals come in.
 *
 * usage: spin_aarch64 plain|long FILE
 *
 * FILE gets three counters of 8 bytes: rounds, rounds after which a register was not as it should
 * be, and signals. "long" uses the scalable vectors (SVE) too, which a system call would cut off.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

struct said {
	volatile uint64_t rounds, broken, signals;
};

static struct said *said;

static void count_signal(int signal)
{
	(void)signal;
	said->signals++;
}

#define GENERAL "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,19,20,21,22,23,24,25,26,27,28,30"
#define VECTORS \
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

/* Fills registers and flags, waits a while without touching them, and looks. Gives 0 where all are
 * as they were. */
__attribute__((noinline)) static uint64_t plain_round(void)
{
	uint64_t changed;

	__asm__ volatile(".irp n," GENERAL "\n mov x\\n, #(0x100+\\n)\n .endr\n"
					 ".irp n," VECTORS "\n movi v\\n\\().16b, #(0x40+\\n)\n .endr\n"
					 "mov x0, #0x40000\n"
					 "cmp xzr, x1\n" /* N, and neither Z, C nor V */
					 "1: sub x0, x0, #1\n"
					 "cbnz x0, 1b\n"
					 "b.pl 2f\n b.eq 2f\n b.cs 2f\n b.vs 2f\n"
					 ".irp n," GENERAL "\n cmp x\\n, #(0x100+\\n)\n b.ne 2f\n .endr\n"
					 ".irp n," VECTORS "\n umov w0, v\\n\\().b[0]\n cmp w0, #(0x40+\\n)\n b.ne 2f\n"
					 "umov w0, v\\n\\().b[15]\n cmp w0, #(0x40+\\n)\n b.ne 2f\n .endr\n"
					 "mov x0, #0\n"
					 "b 3f\n"
					 "2: mov x0, #1\n"
					 "3: mov %0, x0\n"
					 : "=r"(changed)
					 :
					 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
					   "x12", "x13", "x14", "x15", "x16", "x17", "x19", "x20", "x21", "x22", "x23",
					   "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5",
					   "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",
					   "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
					   "v28", "v29", "v30", "v31", "cc", "memory");
	return changed;
}

__attribute__((noinline)) static uint64_t long_round(void)
{
	uint64_t changed;

	__asm__ volatile(".arch_extension sve\n"
					 "ptrue p0.b\n"
					 "dup z1.b, #5\n"
					 "mov x0, #0x40000\n"
					 "1: sub x0, x0, #1\n"
					 "cbnz x0, 1b\n"
					 "cmpne p1.b, p0/z, z1.b, #5\n"
					 "cntp x0, p0, p1.b\n"
					 "cntp x1, p0, p0.b\n"
					 "cntb x2\n"
					 "sub x1, x1, x2\n" /* of the predicate too */
					 "orr %0, x0, x1\n"
					 : "=r"(changed)
					 :
					 : "x0", "x1", "x2", "v1", "cc", "memory");
	return changed;
}

static int look(void)
{
	uint64_t rounds = said->rounds, signals = said->signals;

	for (int i = 0; i < 2000 && (said->rounds < rounds + 2 || said->signals == signals); i++)
		usleep(10000);
	printf("%llu rounds, %llu broken, %llu signals\n", (unsigned long long)said->rounds,
		   (unsigned long long)said->broken, (unsigned long long)said->signals);
	return said->rounds < rounds + 2 || said->signals == signals || said->broken;
}

static void spin(uint64_t (*round_of)(void))
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	struct sigaction action = { .sa_handler = count_signal };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (;;) {
		if (round_of())
			said->broken++;
		said->rounds++;
	}
}

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;

	if (fd < 0 || ftruncate(fd, sizeof *said) < 0)
		return 2;
	said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (strcmp(argv[1], "look") == 0)
		return look();
	spin(strcmp(argv[1], "long") == 0 ? long_round : plain_round);
}
