package dev.culebra.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What somebody says in a conversation.
 *
 * @param role who
 * @param content what
 */
public record Message(Role role, String content) {
  /** Who speaks. */
  public enum Role {
    /** Who says what the conversation is to be like. */
    SYSTEM,
    /** Who asks. */
    USER,
    /** The model. */
    ASSISTANT;

    /** The name in files: {@code system}, {@code user}, {@code assistant}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The role that has this {@link #label}. */
    public static Optional<Role> find(String label) {
      return Arrays.stream(values()).filter(role -> role.label().equals(label)).findFirst();
    }
  }
}
