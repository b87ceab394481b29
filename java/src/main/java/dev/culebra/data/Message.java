package dev.culebra.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * A message in a conversation.
 *
 * @param role the speaker
 * @param content the text
 */
public record Message(Role role, String content) {
  /** The speaker of a message. */
  public enum Role {
    /** Sets the tone and the rules of the conversation. */
    SYSTEM,
    /** Asks. */
    USER,
    /** The model, which answers. */
    ASSISTANT;

    /** The name in files: {@code system}, {@code user}, {@code assistant}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The role with this {@link #label}. */
    public static Optional<Role> find(String label) {
      return Arrays.stream(values()).filter(role -> role.label().equals(label)).findFirst();
    }
  }
}
