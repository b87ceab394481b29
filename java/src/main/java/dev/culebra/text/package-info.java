/** Text to tokens and back, in memory. Imports nothing else of Culebra. */
package dev.culebra.text;
