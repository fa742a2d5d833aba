/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A server of the 32-bit ABI, without any library: 32-bit ones are rarely there. It inherits a
 * listener as its descriptor 3, accepts once by accept() (through socketcall) and once by
 * accept4(), says "ready", waits for a line, closes both, says "closed" and waits for the end.
 */
enum { SYS_EXIT = 1, SYS_READ = 3, SYS_WRITE = 4, SYS_CLOSE = 6, SYS_SOCKETCALL = 102, SYS_ACCEPT4 = 364 };
enum { CALL_ACCEPT = 5, LISTENER = 3 };

static long call(long number, long a, long b, long c, long d)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory");
	return result;
}

static void say(const char *text, long length)
{
	call(SYS_WRITE, 1, (long)text, length, 0);
}

static long wait_for_input(void)
{
	char c;

	return call(SYS_READ, 0, (long)&c, 1, 0);
}

void _start(void)
{
	long arguments[3] = {LISTENER, 0, 0};
	long first = call(SYS_SOCKETCALL, CALL_ACCEPT, (long)arguments, 0, 0);
	long second = call(SYS_ACCEPT4, LISTENER, 0, 0, 0);

	if (first < 0 || second < 0)
		call(SYS_EXIT, 1, 0, 0, 0);
	say("ready\n", 6);
	wait_for_input();
	call(SYS_CLOSE, first, 0, 0, 0);
	call(SYS_CLOSE, second, 0, 0, 0);
	say("closed\n", 7);
	while (wait_for_input() > 0)
		;
	call(SYS_EXIT, 0, 0, 0, 0);
}
