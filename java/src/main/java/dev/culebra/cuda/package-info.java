/** What this machine has for CUDA: the driver, seen through the Foreign Function and Memory API. */
package dev.culebra.cuda;
