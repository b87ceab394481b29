/** JMH benchmarks of single operations on the CPU, with the shapes of training steps. */
package dev.culebra.bench.cpu;
