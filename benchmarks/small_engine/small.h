/* A toy of an inference engine: LAYERS layers of a matrix times a vector and a norm. */
#ifndef SMALL_H
#define SMALL_H

enum { WIDTH = 256, DISTINCT = 16 };

void multiply(const float *matrix, const float *in, float *out);
void normalise(float *vector);
int greedy(const float *vector);

#endif
