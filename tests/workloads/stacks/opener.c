/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * opener PORT COUNT [thread|slow]: opens COUNT connections to 127.0.0.1:PORT by a known path
 * through the code, in a thread of its own or one every half second if told so, and ends without
 * closing one. The lines that a test looks for bear their names. Built without frame pointers.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_APART __attribute__((noinline, noclone))

static int is_slow;
static volatile int opened; /* something to do behind each call: none is a tail call */

static inline __attribute__((always_inline)) int connect_to(const struct sockaddr_in* address)
{
    const struct sockaddr* to = (const struct sockaddr*)address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, to, sizeof(*address)) != 0) /* line of connect_to */
        abort();
    return fd;
}

KEEP_APART static int take_from_pool(const struct sockaddr_in* address)
{
    int fd = connect_to(address); /* line of take_from_pool */

    opened += fd > 0;
    return fd;
}

KEEP_APART static void place_order(const struct sockaddr_in* address, int depth)
{
    volatile char room[512]; /* a frame larger than a red zone */

    memset((char*)room, depth, sizeof(room));
    opened -= take_from_pool(address) == -1; /* line of place_order */
    opened += room[depth] == 'x';
    if (is_slow)
        usleep(500000);
}

struct task {
    struct sockaddr_in address;
    int count;
};

KEEP_APART static void* work(void* argument)
{
    struct task* task = argument;

    for (int i = 0; i < task->count; ++i)
        place_order(&task->address, i & 7); /* line of work */
    return NULL;
}

int main(int argc, char** argv)
{
    struct task task = {.address = {.sin_family = AF_INET}};
    pthread_t thread;

    if (argc < 3)
        return 2;
    task.address.sin_port = htons((unsigned short)atoi(argv[1]));
    task.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    task.count = atoi(argv[2]);
    is_slow = argc > 3 && strcmp(argv[3], "slow") == 0;
    if (argc > 3 && strcmp(argv[3], "thread") == 0) {
        if (pthread_create(&thread, NULL, work, &task) != 0 || pthread_join(thread, NULL) != 0)
            return 1;
    } else {
        work(&task);
    }
    usleep(200000); /* who is gone within a millisecond may be gone before it is looked at */
    printf("%d\n", opened);
    fflush(stdout);
    _Exit(0);
}
