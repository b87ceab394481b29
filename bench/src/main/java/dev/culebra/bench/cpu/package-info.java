/** JMH benchmarks of single operations on the CPU, on the shapes that training steps have. */
package dev.culebra.bench.cpu;
