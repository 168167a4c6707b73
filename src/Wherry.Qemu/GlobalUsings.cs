global using Wherry.Errors;
