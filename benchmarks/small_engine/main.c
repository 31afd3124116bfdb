/* Answers each line on standard input, a number of tokens, by one line: the time and the CPU time
   that they took in ns, and the last token. How many layers a token has is the argument. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "small.h"

static float weights[DISTINCT][WIDTH * WIDTH];

static long long now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    int layers = atoi(argv[1]);
    unsigned state = 42;
    for (int matrix = 0; matrix < DISTINCT; matrix++)
        for (int at = 0; at < WIDTH * WIDTH; at++) {
            state = state * 1664525u + 1013904223u;
            weights[matrix][at] = (float)(state >> 8) / (1 << 23) - 1.0f;
        }
    puts("ready");
    fflush(stdout);
    for (int tokens; scanf("%d", &tokens) == 1;) {
        long long wall_ns = now_ns(CLOCK_MONOTONIC), cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        float one[WIDTH], other[WIDTH];
        int token = 1;
        for (int count = 0; count < tokens; count++) {
            for (int at = 0; at < WIDTH; at++)
                one[at] = (float)((at * 7 + token) % 13) - 6.0f;
            for (int layer = 0; layer < layers; layer++) {
                multiply(weights[layer % DISTINCT], one, other);
                normalise(other);
                for (int at = 0; at < WIDTH; at++)
                    one[at] += other[at];
            }
            token = greedy(one);
        }
        printf("%lld %lld %d\n", now_ns(CLOCK_MONOTONIC) - wall_ns,
               now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns, token);
        fflush(stdout);
    }
    return 0;
}
