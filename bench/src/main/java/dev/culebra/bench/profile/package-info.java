/** Where a training step spends its time, and how far that is from what the machine can do. */
package dev.culebra.bench.profile;
