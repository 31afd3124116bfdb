#include "small.h"

void multiply(const float *matrix, const float *in, float *out)
{
    for (int row = 0; row < WIDTH; row++) {
        float sum = 0.0f;
        for (int column = 0; column < WIDTH; column++)
            sum += matrix[row * WIDTH + column] * in[column];
        out[row] = sum;
    }
}
