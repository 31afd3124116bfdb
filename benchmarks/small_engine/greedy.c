#include "small.h"

int greedy(const float *vector)
{
    int best = 0;
    for (int at = 1; at < WIDTH; at++)
        if (vector[at] > vector[best])
            best = at;
    return best;
}
