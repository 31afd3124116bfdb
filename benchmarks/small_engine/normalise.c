#include <math.h>

#include "small.h"

void normalise(float *vector)
{
    float squares = 0.0f;
    for (int at = 0; at < WIDTH; at++)
        squares += vector[at] * vector[at];
    float scale = 1.0f / sqrtf(squares / WIDTH + 1e-6f);
    for (int at = 0; at < WIDTH; at++)
        vector[at] *= scale;
}
