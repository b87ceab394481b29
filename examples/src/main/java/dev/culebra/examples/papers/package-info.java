/** What newer papers do otherwise than GPT-2, measured against it. */
package dev.culebra.examples.papers;
