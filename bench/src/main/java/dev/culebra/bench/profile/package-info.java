/** Where a training step spends its time, compared with the machine's capability. */
package dev.culebra.bench.profile;
